"""What a rater would see, and what it is worth. Imports only `rl.records` and `rl.errors`."""
