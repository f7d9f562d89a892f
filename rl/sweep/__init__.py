"""Many runs of one command: plan, jobs, rows, board."""
