"""The written report of a run, section by section."""
