"""Hides in a message whatever could be a value: what is left is what libraries and the source say."""

from __future__ import annotations

import re

from .vocabulary import Known

HIDDEN = "…"
MOST_MASKED = 300
"""Characters of a masked message."""
MOST_SEEN = 2000
"""Characters of a message that are looked at."""

QUOTES = "'\"`"
CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}
OPENED, CLOSED = frozenset("([{"), frozenset(")]}")
"""A half-open interval ends with another kind of bracket than it begins with."""
PLAIN = frozenset(".,:;=!?/*+-|&%")
WORD = re.compile(r"\w+(?:'(?:t|s|re|ve|ll|d)\b)?")
RUNS = re.compile(rf"{HIDDEN}(?:[\s.,:;=!?/*+\-|&%]*{HIDDEN})+")
SIGNED = re.compile(rf"(?<!\w)[-+]+{HIDDEN}")


def masked(text: str, known: Known) -> str:
    """``text`` on one line, ``…`` for numbers, for what stands in quotes or brackets, and for unknown words.

    A name of the visible source, or of a library's type, stays in its quotes.
    """
    text = text[:MOST_SEEN]
    parts: list[str] = []
    at = 0
    while at < len(text):
        part, at = _next(text, at, known)
        parts.append(part)
    line = SIGNED.sub(HIDDEN, RUNS.sub(HIDDEN, "".join(parts))).strip()
    return line if len(line) <= MOST_MASKED else f"{line[: MOST_MASKED - 2].rstrip()} {HIDDEN}"


def _next(text: str, at: int, known: Known) -> tuple[str, int]:
    """What is shown of the next piece of ``text``, and where the one after it begins."""
    one = text[at]
    if one.isspace():
        return " ", at + 1
    if word := WORD.match(text, at):
        return _word(word[0], known), word.end()
    if one in QUOTES:
        return _quoted(text, at, known)
    if one in CLOSING and text[at + 1 : at + 2] not in ("", " ", "="):
        return _bracketed(text, at)
    return one if one in PLAIN or one in "<>" else HIDDEN, at + 1


def _word(word: str, known: Known) -> str:
    if known.word(word):
        return word
    bare, apostrophe, _ = word.partition("'")
    return bare + HIDDEN if apostrophe and known.word(bare) else HIDDEN


def _quoted(text: str, at: int, known: Known) -> tuple[str, int]:
    """A quotation; one without an end goes on to the text's."""
    end = at + 1
    while end < len(text) and not (text[end] == text[at] and not text[end + 1 : end + 2].isalnum()):
        end += 2 if text[end] == "\\" else 1
    inner = text[at + 1 : end]
    shown = inner if end < len(text) and known.name(inner) else HIDDEN
    return f"{text[at]}{shown}{text[at]}", end + 1


def _bracketed(text: str, at: int) -> tuple[str, int]:
    """What stands in brackets, those within them included; to the text's end where they do not close."""
    angled = text[at] == "<"
    opened, closed = (frozenset("<"), frozenset(">")) if angled else (OPENED, CLOSED)
    depth, end = 0, at
    while end < len(text):
        depth += (text[end] in opened) - (text[end] in closed)
        end += 1
        if not depth:
            break
    return f"{text[at]}{HIDDEN if end - at > 2 else ''}{CLOSING[text[at]]}", end
