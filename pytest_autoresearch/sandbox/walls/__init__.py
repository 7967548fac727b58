"""What keeps a candidate in, seen from the judge: which tier can be had, what it shows, whether it stands."""
