"""How the reward model is fitted: texts, preferences, measurements."""
