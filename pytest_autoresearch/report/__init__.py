"""What a person or a CI system reads: everything here is derived from records and a summary."""
