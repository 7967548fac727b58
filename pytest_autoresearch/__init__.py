"""Autonomous machine-learning experiments as pytest tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .records import Analysis, Briefing, Proposal, Record, Status, Summary

if TYPE_CHECKING:
    from .agents.protocol import Agent

__all__ = ["Agent", "Analysis", "Briefing", "Proposal", "Record", "Status", "Summary"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load the agents' room only for those who write one."""
    if name == "Agent":
        from .agents.protocol import Agent

        return Agent
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
