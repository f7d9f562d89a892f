"""How the fitted monitors are fitted and examined."""
