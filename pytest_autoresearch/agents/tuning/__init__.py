"""The offline agent: searches the literals and known parameters of the editable files."""
