"""What the judge hands to a candidate, and what comes back: arguments, folders, an order, numbers, text."""
