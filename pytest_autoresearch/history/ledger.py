"""The ledger of looks into the vault: apart from the journal, which agents' sessions write to.

It is written when a session's last agent has ended, and never while one runs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from ..exceptions import HarnessFault, UsageProblem
from ..records import Json
from .journal import sync_folder
from .refs import ROOT
from .repository import Repository

NAME = "vault.json"
KEYS = {"experiment", "commit", "time", "folds", "seconds", "passes"}
PASS = {"split", "seed", "scores"}
Entry = dict[str, Json]


class Ledger:
    """The entries of one run, in its folder and in its ref ``vault``: one is enough.

    Raises `UsageProblem` when the two contradict each other, or cannot be read.
    """

    def __init__(self, repository: Repository, folder: Path, run: str) -> None:
        self._repository = repository
        self._path = folder / NAME
        self._ref = f"{ROOT}{run}/vault"
        self.entries: Sequence[Entry] = self._read()

    def add(self, entry: Entry) -> None:
        """Write one more entry; it is on disk, and in git, when this returns.

        Raises `HarnessFault` when it cannot be written.
        """
        entries = [*self.entries, json.loads(json.dumps(entry, allow_nan=False))]
        content = _encoded(entries)
        temporary = self._path.with_suffix(".new")
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            raise HarnessFault(f"the vault's ledger cannot be written: {error}") from error
        self._repository.set_ref(self._ref, self._repository.blob(content))
        self.entries = entries

    def _read(self) -> list[Entry]:
        target = self._repository.ref(self._ref)
        kept = [] if target is None else self._decoded(self._repository.read_blob(target))
        try:
            here = self._decoded(self._path.read_bytes())
        except FileNotFoundError:
            return kept
        except OSError as error:
            raise UsageProblem(f"{self._path} cannot be read: {error}") from error
        longer, shorter = (here, kept) if len(here) >= len(kept) else (kept, here)
        if longer[: len(shorter)] != shorter:
            raise UsageProblem(
                f"{self._path} and {self._ref} contradict each other: the ledger of looks into the vault "
                "was changed by hand. Remove the one that is wrong, or start another run"
            )
        return longer

    def _decoded(self, content: bytes) -> list[Entry]:
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        if not isinstance(found, list) or not all(map(_is_entry, found)):
            raise UsageProblem(
                f"{self._path} (or {self._ref}) is damaged: remove the one that is, the other one is used"
            )
        return found


def _is_entry(one: Json) -> bool:
    """Whether it has what a look writes."""
    if not isinstance(one, dict) or not one.keys() >= KEYS:
        return False
    number, passes = one["experiment"], one["passes"]
    gain = one.get("search", {} if number else {"gain": 0, "error": 0})
    return (
        isinstance(number, int)
        and isinstance(passes, list)
        and (bool(passes) or "failed" in one)
        and all(
            isinstance(each, dict) and each.keys() == PASS and each["scores"] for each in passes
        )
        and isinstance(gain, dict)
        and gain.keys() == {"gain", "error"}
    )


def _encoded(entries: Sequence[Entry]) -> bytes:
    return (json.dumps(entries, indent=1, allow_nan=False) + "\n").encode()
