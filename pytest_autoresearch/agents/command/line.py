"""The command line of a coding tool, as a person gave it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from ...exceptions import UsageProblem
from .profiles import PROFILES, Profile, plain


@dataclass(frozen=True)
class Line:
    """A command as a person gave it: its words, and the profile that its first one names."""

    given: str
    words: tuple[str, ...]
    profile: Profile
    known: str = ""

    @classmethod
    def parse(cls, text: str) -> Line:
        """Raises `UsageProblem` for a command that cannot be split into words."""
        try:
            words = tuple(shlex.split(text))
        except ValueError as error:
            raise UsageProblem(
                f"The agent 'command:{text}' cannot be split into words ({error}): quote it as for a shell."
            ) from None
        if not words or not words[0]:
            raise UsageProblem(f"The agent 'command:{text}' names no program: write command:CLI.")
        if words[0] in PROFILES:
            return cls(text, words, PROFILES[words[0]], words[0])
        return cls(text, words, plain(words))

    @property
    def program(self) -> str:
        """The first word: what is looked up on PATH."""
        return self.words[0]
