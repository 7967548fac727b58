"""Where coding agents run: a world with network, without the repository, the run and the rest of the home."""

from .outdoors import Outdoors, choose

__all__ = ["Outdoors", "choose"]
