"""Parses candidate files in a process of its own; the judge reads only the answer."""
