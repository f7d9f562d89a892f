"""Model organisms: how one is made, shipped and loaded."""
