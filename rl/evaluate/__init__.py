"""Evaluation of policies in many settings, between checkpoints, and with exchanged scratchpads."""
