"""What the supervised stages show an organism."""
