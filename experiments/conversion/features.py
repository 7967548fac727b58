"""What the model gets to see of a call. An agent may change this file.

A row's features are made from that row alone; what is learned from other rows belongs into ``fit``.
"""

import numpy as np

NUMBERS = [
    "age",
    "campaign",
    "pdays",
    "previous",
    "emp.var.rate",
    "cons.price.idx",
    "cons.conf.idx",
    "euribor3m",
    "nr.employed",
]
CATEGORIES = [
    "job",
    "marital",
    "education",
    "default",
    "housing",
    "loan",
]
MISSING = -1


def features(X):
    """A column of finite numbers for each feature; ``X`` is a pandas frame."""
    numbers = [X[name].fillna(MISSING) for name in NUMBERS]
    codes = [X[name].cat.codes for name in CATEGORIES]
    return np.column_stack([*numbers, *codes])
