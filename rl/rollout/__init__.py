"""Sampling: prompts in, rollouts out."""
