"""A candidate's traceback without the harness: its own frames, paths as in the repository."""

from __future__ import annotations

import traceback

MAX_TEXT = 4096
HEAD = 1024


def describe(error: BaseException, tree: str) -> str:
    """The traceback's text, at most `MAX_TEXT` characters: its beginning and its end.

    An exception that cannot be described, because its own code fails, is told by its type.
    """
    try:
        text = _text(error, tree)
    except BaseException:
        text = f"{type(error).__name__}: its text cannot be read"
    if len(text) > MAX_TEXT:
        text = f"{text[:HEAD]}\n[...]\n{text[HEAD + 7 - MAX_TEXT :]}"
    return text


def _text(error: BaseException, tree: str) -> str:
    report = traceback.TracebackException.from_exception(error, compact=True)
    own = [_reduce(one, tree) for one in _chain(report)]
    lines = report.format() if any(own) else report.format_exception_only()
    return "".join(lines).replace(tree.rstrip("/") + "/", "").strip()


def _chain(report: traceback.TracebackException) -> list[traceback.TracebackException]:
    """The report and all that it was caused by or holds."""
    found: list[traceback.TracebackException] = []
    todo = [report]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += [other for other in (one.__cause__, one.__context__) if other is not None]
        todo += one.exceptions or []
    return found


def _reduce(report: traceback.TracebackException, tree: str) -> bool:
    """Keep the frames of the candidate's files; whether there is one."""
    inside = tree.rstrip("/") + "/"
    frames = [frame for frame in report.stack if frame.filename.startswith(inside)]
    report.stack = traceback.StackSummary.from_list(frames)
    return bool(frames)
