"""Proximal policy optimisation on the rollouts, rewards and record of GRPO."""
