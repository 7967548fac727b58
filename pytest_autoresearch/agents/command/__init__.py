"""Agents that are coding tools: any program that changes files in a folder."""

from .command import Command, make

__all__ = ["Command", "make"]
