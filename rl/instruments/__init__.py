"""The configured monitors and the configured rater."""
