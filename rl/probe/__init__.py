"""Linear probes on what a run's checkpoints carry inside while they read their own chats (docs/probing.md)."""
