"""The agent that proposes a person's own patches, one file after the other."""

from __future__ import annotations

import re
import stat
from email import message_from_string
from email.policy import default as mail_policy
from pathlib import Path

from ..exceptions import UsageProblem
from ..records import Briefing, Proposal, Record

MAX_PATCH = 1 << 20
MAX_HEAD = 20_000
"""Characters of a mail that are parsed; the parser's time grows with the square of a long line."""

SUFFIXES = (".patch", ".diff")

DIFF_STARTS = re.compile(r"^(?:diff --git |Index: |--- [^\n]*\n\+\+\+ )", re.MULTILINE)
MAIL_STARTS = re.compile(r"\A(?:From [0-9a-f]{7,64} |From: |Subject: )")
SUBJECT_TAG = re.compile(r"\A\[[^\]]*\bPATCH\b[^\]]*\]\s*")
MAIL_SIGNATURE = re.compile(r"\n-- \n[^\n]*\n*\Z")


class Replay:
    """Proposes each ``*.patch`` and ``*.diff`` of `folder`, in the order of their names.

    The text above the diff describes it: its first line is the description, the rest the
    hypothesis. Files are read here and now, strictly as UTF-8: what they propose has to fit into
    the journal, which is JSON. Raises `UsageProblem` for a folder without patches and
    for a file that cannot be used.
    """

    name = "replay"

    def __init__(self, folder: Path) -> None:
        self._texts = {path.name: _read(path) for path in _patches(folder)}
        self._used: set[str] = set()

    def propose(self, briefing: Briefing) -> Proposal | None:
        """The next file that this run has not used, or None."""
        for name, text in self._texts.items():
            if name not in self._used:
                self._used.add(name)
                return _proposal(name, text)
        return None

    def told(self, record: Record) -> None:
        """Counts the file that a record names as used, also when it was interrupted.

        The search itself evaluates an interrupted experiment again.
        """
        name = record.notes.get("file")
        if isinstance(name, str):
            self._used.add(name)


def _patches(folder: Path) -> list[Path]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise UsageProblem(
            f"replay: the folder {str(folder)!r} cannot be read ({error.strerror}). "
            "Name a folder that holds *.patch or *.diff files: replay:DIR."
        ) from error
    if not paths:
        raise UsageProblem(
            f"replay: the folder {str(folder)!r} holds no *.patch or *.diff file. "
            "Put unified diffs there, relative to the repository's root (git diff > 01.patch)."
        )
    return paths


def _read(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageProblem(f"replay: {str(path)!r} is not a file. Move it out of the folder.")
        with path.open("rb") as file:
            data = file.read(MAX_PATCH + 1)
    except OSError as error:
        raise UsageProblem(
            f"replay: {str(path)!r} cannot be read ({error.strerror}). Mend or remove it."
        ) from error
    if len(data) > MAX_PATCH:
        raise UsageProblem(
            f"replay: {str(path)!r} is over 1 MiB. Patches change source code: split or remove it."
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageProblem(
            f"replay: {str(path)!r} is not UTF-8 (byte {error.start}). Save it as UTF-8."
        ) from error


def _proposal(name: str, text: str) -> Proposal:
    start = DIFF_STARTS.search(text)
    head = text[: start.start()] if start else ""
    patch = text[start.start() :] if start else text
    if MAIL_STARTS.match(head):
        head = _message(head)
        patch = MAIL_SIGNATURE.sub("\n", patch)
    title, _, rest = head.strip().partition("\n")
    return Proposal(
        patch=patch,
        description=title.strip() or name.rpartition(".")[0],
        hypothesis=rest.strip(),
        notes={"file": name},
    )


def _message(head: str) -> str:
    """The commit message of what `git format-patch` wrote, without mail headers and diffstat."""
    mail = message_from_string(head[:MAX_HEAD], policy=mail_policy)
    subject = " ".join(str(mail["Subject"] or "").split())
    body = re.split(r"^---\s*$", str(mail.get_payload()), maxsplit=1, flags=re.MULTILINE)[0]
    return f"{SUBJECT_TAG.sub('', subject)}\n{body.strip()}"
