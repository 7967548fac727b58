"""What people look at before they change a model, for the code of agents' analyses. Needs NumPy alone.

Every function takes arrays, frames or dicts of columns and returns a `Table`, to be printed:

>>> import numpy as np
>>> print(null_rates({"age": np.array([30.0, np.nan]), "rate": np.array([1.0, 2.0])}))
missing values
column  missing  share
age           1    0.5
rate          0      0
"""

from .describe import describe, null_rates
from .drift import drift
from .importance import importance
from .pairs import correlated_pairs
from .segments import errors_by_segment
from .table import Table
from .univariate import auc, univariate

__all__ = [
    "Table",
    "auc",
    "correlated_pairs",
    "describe",
    "drift",
    "errors_by_segment",
    "importance",
    "null_rates",
    "univariate",
]
