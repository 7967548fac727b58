"""What a coding tool is given that nobody should read later: keys, and the tokens of a login."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..redacting import Redactor
from ..tables import Table
from . import safely
from .profiles import Profile

LARGEST_LOGIN = 64 << 10


def learn(redactor: Redactor, profile: Profile, table: Table, home: Path | None = None) -> None:
    """Teach it the values of variables and logins; those in the tool's ``home`` it may have renewed itself."""
    for name in (*profile.keys, *profile.env):
        redactor.learn(name, os.environ.get(name, ""), secret=name in profile.keys)
    for name, value in {**profile.settings, **table.env}.items():
        redactor.learn(name, os.environ.get(name, "") if value is None else value)
    person = Path(os.path.expanduser("~"))
    for seed in profile.seeds:
        with contextlib.suppress(OSError), (person / seed).open("rb") as file:
            redactor.learn_login("LOGIN", file.read(LARGEST_LOGIN))
        if home is not None:
            with contextlib.suppress(OSError):
                redactor.learn_login("LOGIN", safely.read(home, seed, LARGEST_LOGIN))
