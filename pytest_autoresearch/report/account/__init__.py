"""A run as an agent tells it: what it is asked, and what of its answer is printed."""
