"""What agents read before they propose, made of a briefing in one place."""

from .rendering import render, render_one
from .size import estimated

__all__ = ["estimated", "render", "render_one"]
