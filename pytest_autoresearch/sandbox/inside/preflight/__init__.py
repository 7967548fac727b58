"""What can be said of a patch before it is run: parsed in a process in which none of it has run."""
