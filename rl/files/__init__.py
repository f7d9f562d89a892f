"""What is written to disk: whole or absent, without secrets, by one process at a time."""
