"""Runs: which one is opened or gone on with, what there is time for, how it stands, what earlier ones say."""
