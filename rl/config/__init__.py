"""The shape of a configuration, and a configuration as plain data."""
