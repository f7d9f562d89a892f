"""The benchmark: our GRPO step beside stock TRL's on the same work, and beside what the arithmetic alone would take."""
