"""Commands; the logic lives in rl/, reward/ and monitors/."""
