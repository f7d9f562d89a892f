"""PPO: value head, GAE, clipped losses, and the trainer that joins them."""
