"""What the evaluation is made of, and whether it is still what it was when the run began."""

from __future__ import annotations

from .watch import PATIENCE, Frozen

__all__ = ["PATIENCE", "Frozen"]
