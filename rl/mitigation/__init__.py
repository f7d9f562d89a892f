"""Mitigations: terms of the reward, dropped rollouts, and the interrogation turn."""
