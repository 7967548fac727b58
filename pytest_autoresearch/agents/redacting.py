"""Takes keys and logins out of what is written down: those that we know of, and what looks like one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from urllib.parse import quote

LEAST = 8
"""Characters of the shortest value that is taken out: a shorter one would take words with it."""
LOGIN = 16
"""Characters from which a text without spaces is a secret wherever it stands, and no word of a program."""
MOST_VALUES = 200
KEY = "[key]"

_SECRET = re.compile(r"key|token|secret|passw|credential", re.IGNORECASE)
_OPENED = re.compile(r"key|token|secret|passw|credential|access|refresh", re.IGNORECASE)

# Each begins with letters, which are found fast; only then it is looked whether a word ends before them.
_SHAPES = tuple(
    re.compile(f"{start}(?<![A-Za-z0-9]{start}){rest}")
    for start, rest in (
        ("sk-", r"(?:(?:proj|ant|or-v1|svcacct|admin|live|test)-[\w-]{6,}|[A-Za-z0-9]{20,})"),
        ("gsk_", r"[A-Za-z0-9]{20,}"),
        ("xai-", r"[A-Za-z0-9]{20,}"),
        ("hf_", r"[A-Za-z0-9]{20,}"),
        ("AIza", r"[\w-]{30,}"),
        ("AKIA", r"[A-Z0-9]{16}"),
        ("ghp_", r"[A-Za-z0-9]{20,}"),
        ("gho_", r"[A-Za-z0-9]{20,}"),
        ("ghu_", r"[A-Za-z0-9]{20,}"),
        ("ghs_", r"[A-Za-z0-9]{20,}"),
        ("ghr_", r"[A-Za-z0-9]{20,}"),
        ("github_pat_", r"\w{20,}"),
        ("glpat-", r"[\w-]{16,}"),
        ("xox", r"[abeprs]-[\w-]{10,}"),
        ("eyJ", r"[\w-]{10,}\.[\w-]{10,}\.[\w-]*"),
    )
)
_BEARER = re.compile(r"([Bb]earer )[\w.~+/-]{16,}=*")
_IN_ADDRESS = re.compile(r"(://)[^\s/:@\"'<>]{1,200}:[^\s/@\"'<>]{1,500}@")


class Redactor:
    """Knows values by name, and those of environment variables here that hold secrets."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._secrets: set[str] = set()

    def learn(self, name: str, value: str, *, secret: bool = False) -> None:
        """Take a value out from now on, each line of it; ``secret`` whatever its name says."""
        for line in map(str.strip, value.splitlines()):
            if len(line) >= LEAST and len(self._names) < MOST_VALUES:
                self._names.setdefault(line, name)
                if _bare(line) and (secret or _SECRET.search(name)):
                    self._secrets.add(line)

    def learn_login(self, name: str, content: bytes) -> None:
        """Take out what a file that holds a login has in it."""
        text = content.decode("utf-8", "replace")
        try:
            found = list(_texts("", json.loads(text)))
        except (ValueError, RecursionError):
            found = [("", word) for word in text.split()]
        for key, value in found:
            if _bare(value) or _OPENED.search(key):
                self.learn(name, value, secret=True)

    def text(self, text: str) -> str:
        """A text in which names stand for values, and `KEY` for what looks like a key."""
        known = {**_of_environment(), **self._names}
        for value in sorted(known, key=len, reverse=True):
            for form in {value, json.dumps(value)[1:-1], quote(value, safe="", errors="replace")}:
                text = text.replace(form, f"${known[value]}")
        for shape in _SHAPES:
            text = shape.sub(KEY, text)
        return _IN_ADDRESS.sub(rf"\1{KEY}@", _BEARER.sub(rf"\1{KEY}", text))

    def data(self, content: bytes) -> bytes:
        """The same for bytes, of which none is lost that is no part of a key."""
        text = self.text(content.decode("utf-8", "surrogateescape"))
        return text.encode("utf-8", "surrogateescape")

    def held(self, text: str) -> str:
        """The name of a secret that was learnt and stands in a text; empty where none does."""
        known = self._names.items()
        return next((name for one, name in known if one in self._secrets and one in text), "")


def redact(text: str) -> str:
    """A text without the secrets in environment variables here, and without what looks like one."""
    return Redactor().text(text)


def _bare(text: str) -> bool:
    return len(text) >= LOGIN and not any(map(str.isspace, text))


def _of_environment() -> dict[str, str]:
    return {
        value: name
        for name, value in os.environ.items()
        if len(value) >= LEAST and _SECRET.search(name)
    }


def _texts(key: str, found: object) -> Iterator[tuple[str, str]]:
    """The texts in JSON, each with the name that stands nearest."""
    if isinstance(found, str):
        yield key, found
    elif isinstance(found, dict):
        for name, value in found.items():
            yield from _texts(str(name), value)
    elif isinstance(found, list):
        for value in found:
            yield from _texts(key, value)
