"""What happened in one run, on disk and in git."""
