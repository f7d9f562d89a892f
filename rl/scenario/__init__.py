"""Who asks for what, in which situation: requests, settings and their rendering into prompts."""
