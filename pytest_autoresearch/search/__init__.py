"""What to try and what to keep: plain objects that know neither pytest nor git."""
