"""The update: log-probabilities, advantages, and the trainers that use them."""
