"""Helpers for frozen tests: folds, windows of time, ranking metrics, data that are built once.

``from pytest_autoresearch import evaluation`` in a test or a ``conftest.py``. Everything here is
deterministic in its arguments, the seed and the split, and no part of it is a candidate's to change.
"""

from __future__ import annotations

from . import folds, ranking, windows
from .cache import shared
from .fold import Fold

__all__ = ["Fold", "folds", "ranking", "shared", "windows"]
