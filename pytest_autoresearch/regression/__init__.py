"""Plain ``pytest``: one pass on the work tree, compared with what the champion's record beside the test says."""
