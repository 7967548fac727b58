"""Tells other plugins what happened; what goes wrong there costs the search nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .records import Record, Summary

FINISHED = "pytest_autoresearch_experiment_finished"
ENDED = "pytest_autoresearch_search_finished"


class Others:
    """Calls the hooks that tell of a search.

    An implementation that raises is named in the summary, with its first error: the result it was
    told of is in the journal already, and a broken notification must not end a night's work.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._hook = config.hook
        self._errors: dict[str, list[str]] = {}

    def finished(self, record: Record) -> None:
        """Tell of an evaluation; everybody gets a copy, so that nobody changes the search's own."""
        copy = Record.from_json(record.to_json())
        self._call(
            FINISHED,
            f"[{record.item}]",
            lambda: self._hook.pytest_autoresearch_experiment_finished(record=copy),
        )

    def ended(self, summary: Summary) -> None:
        """Tell of the session's end."""
        self._call(
            ENDED,
            "the end",
            lambda: self._hook.pytest_autoresearch_search_finished(summary=summary),
        )

    @property
    def complaints(self) -> list[str]:
        """A line for each hook that raised."""
        return [
            f"{name} raised {errors[0]}" + (f", {len(errors)} times" if len(errors) > 1 else "")
            for name, errors in self._errors.items()
        ]

    def _call(self, name: str, when: str, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:
            text = f"{type(error).__name__}: {error} (at {when})"
            self._errors.setdefault(name, []).append(text)
