"""Rows that are asked twice: in what company each is predicted, and whether its predictions agree."""
