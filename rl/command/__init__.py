"""The command line: from words to a configuration, and what a person sees meanwhile."""
