"""One call of a coding tool: the command, its limits, its price, and every byte on record."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ...exceptions import Interrupted, UsageProblem
from ..office import Office
from ..redacting import Redactor
from ..tables import Table
from . import safely, secrets
from .line import Line
from .profiles import BRIEFING, EDITABLE, PROMPT
from .runner import Ended, Runner
from .streams import Streams
from .surroundings import environment

TIMEOUT = 1800.0
"""Seconds that a call may take where its table says nothing."""
CENT = 0.01
PROBE_SECONDS = 60.0


class Calling:
    """Calls a command for an agent of this name; ``stopped`` says that it has to end.

    ``said`` is what its model said last, as far as it tells; ``counted`` a conversation, and how many of its
    tokens are paid for, where a tool counts them together. The ``redactor`` knows what it is given.
    """

    def __init__(
        self,
        name: str,
        command: Line,
        office: Office,
        table: Table,
        runner: Runner,
        stopped: Callable[[], bool],
    ) -> None:
        self.name = name
        self.command = command
        self.office = office
        self.table = table
        self.runner = runner
        self.stopped = stopped
        self.timeout = table.timeout or TIMEOUT
        self.said = ""
        self.counted = ("", 0)
        self.redactor = Redactor()
        secrets.learn(self.redactor, command.profile, table)
        self._most_seen = 0.0
        self._folder = Path.cwd()

    @property
    def most_usd(self) -> float | None:
        """Dollars that the next call may cost; ``None`` where nobody knows."""
        declared = self.table.cost
        if self.command.profile.budget or declared is not None:
            usual = self.command.profile.assumed if declared is None else declared
            return usual if self.command.profile.budget else max(usual or 0.0, self._most_seen)
        if self.command.profile.assumed is None and not self._most_seen:
            return None
        return max(self.command.profile.assumed or 0.0, self._most_seen)

    def probe(self) -> None:
        """Find out whether it can be called; raises `UsageProblem` saying what to mend."""
        for name, value in self.table.env.items():
            if value is None and name not in os.environ:
                raise UsageProblem(
                    f"agent {self.name}: env lists {name}, which is not set: set it, or take it out"
                )
        for path in self.table.paths:
            if not os.path.exists(_expanded(path)):
                raise UsageProblem(
                    f"agent {self.name}: paths lists {path!r}, which is not there: correct it"
                )
        program = self._program()
        self._refuse_bare_files()
        if not self.runner.sees(program, self._paths()):
            raise UsageProblem(
                f"agent {self.name}: {program} lies outside of what it may see: list its folder, and what "
                f"it needs, in a table of pyproject.toml: [tool.pytest-autoresearch.agents.NAME] with "
                f"spec = {'command:' + self.command.given!r} and paths = [{os.path.dirname(program)!r}]"
            )
        if self.command.profile.login and not self.table.env and not self._has_login():
            keys = self.command.profile.keys
            raise UsageProblem(
                f"agent {self.name}: it has no key: set {' or '.join(keys)}, or log in with "
                f"{self.command.known} first (it looks for {', '.join(self._seeds())})"
            )
        if self.command.known:
            self._try_out(program)

    def _try_out(self, program: str) -> None:
        """A tool that we know is asked for its version, where it will run."""
        with tempfile.TemporaryDirectory() as folder:
            work, home = Path(folder, "work"), Path(folder, "home")
            work.mkdir()
            home.mkdir()
            ended = self.runner.run(
                [program, "--version"],
                work=work,
                home=home,
                env=self._environment(home),
                paths=self._paths(),
                seconds=PROBE_SECONDS,
                stopped=self.stopped,
            )
        if ended.reason or ended.status:
            said = self.redactor.text(ended.stderr.decode("utf-8", "replace")).strip().splitlines()
            why = ended.reason or (said[-1][:300] if said else f"exit status {ended.status}")
            raise UsageProblem(
                f"agent {self.name}: {program} --version does not run where it would work: {why}. List what "
                "it needs in paths of its table [tool.pytest-autoresearch.agents.NAME]"
            )

    def call(
        self,
        work: Path,
        home: Path,
        prompt: str,
        briefing: Path,
        editable: Sequence[str],
        again: bool,
    ) -> Ended:
        """Call it once, and pay; raises `CapReached` before, `Interrupted` when it has to end."""
        usd = self._require()
        argv = self._argv(prompt, briefing, editable, again=again, budget=usd)
        seconds = self._seconds()
        self._seed(home)
        secrets.learn(self.redactor, self.command.profile, self.table, home)
        self._note("command.json", json.dumps({"argv": argv, "seconds": seconds}).encode())
        streams = Streams(self.office.transcripts.path, self.redactor)
        ended: Ended | None = None
        call = self._reserve(usd)
        try:
            ended = self.runner.run(
                argv,
                work=work,
                home=home,
                env=self._environment(home),
                paths=self._paths(),
                seconds=seconds,
                stopped=self.stopped,
                heard=streams.heard,
            )
        finally:
            # It may have renewed its login.
            secrets.learn(self.redactor, self.command.profile, self.table, home)
            streams.close()
            self._pay(call, ended)
        for name, content in (("stdout", ended.stdout), ("stderr", ended.stderr)):
            self._note(name, content)
        streams.remove()
        self._note(
            "ended.json", json.dumps({"status": ended.status, "reason": ended.reason}).encode()
        )
        if ended.status is None and self._time_is_up():
            raise Interrupted("the session ends while an agent thinks")
        return ended

    def _require(self) -> float | None:
        """Ask for the money of a call; what a tool is allowed to spend, where it has such an option."""
        purse, most = self.office.purse, self.most_usd or 0.0
        if not self.command.profile.budget:
            purse.require(self.name, most)
            return None
        left = purse.left
        allowed = most if left is None else min(most, left)
        purse.require(self.name, max(allowed, min(most, CENT)))
        return allowed

    def _reserve(self, allowed: float | None) -> str:
        """Have the most that a call can cost on record before it is made; empty where that is not known."""
        most = self.most_usd if allowed is None else allowed
        return self.office.purse.begin(self.name, most, 0, "call") if most else ""

    def _pay(self, call: str, ended: Ended | None) -> None:
        """Count what it says that it has cost, else what is declared or assumed, also where it was ended."""
        read, output = self.command.profile.bill, ended.stdout if ended is not None else b""
        bill = read(output)
        usd = bill.usd if bill.usd is not None else self.table.cost
        if usd is None:
            usd = self.command.profile.assumed
        if ended is not None and ended.missing:
            usd = 0.0
        self._most_seen = max(self._most_seen, bill.usd or 0.0)
        # What is said is cut, and half of a key would not be known.
        self.said = read(self.redactor.data(output)).said if bill.said else ""
        tokens = bill.tokens
        if bill.thread:
            tokens -= self.counted[1] if bill.thread == self.counted[0] else 0
            self.counted = (bill.thread, bill.tokens)
        purse = self.office.purse
        if call:
            purse.settle(call, usd, max(0, tokens), "call")
        else:
            purse.spend(self.name, usd, max(0, tokens), "call")

    def _seconds(self) -> float:
        left = self.office.seconds_left()
        if left is not None and left <= 0:
            raise Interrupted("the session ends before an agent could think")
        return self.timeout if left is None else min(self.timeout, left)

    def _time_is_up(self) -> bool:
        left = self.office.seconds_left()
        return self.stopped() or (left is not None and left <= 0)

    def _argv(
        self,
        prompt: str,
        briefing: Path,
        editable: Sequence[str],
        *,
        again: bool,
        budget: float | None,
    ) -> list[str]:
        command = self.command
        plain_paths = [path if not path.startswith("-") else f"./{path}" for path in editable]
        filled = {PROMPT: [prompt], EDITABLE: plain_paths, BRIEFING: [str(briefing)]}
        more = command.words[1:] if command.known else ()
        words = command.profile.words(again=again, more=more, budget=budget, filled=filled)
        if not command.known:
            words = [self._real(word) for word in words]
            words = [
                word.replace(BRIEFING, str(briefing)).replace(PROMPT, prompt) for word in words
            ]
        return [self._program(), *words[1:]]

    def _program(self) -> str:
        """Where the program lies; raises `UsageProblem` when it is not there."""
        name = self.command.program
        if os.sep in name:
            real = self._real(name)
            path = real if os.path.isfile(real) else None
            if path and not os.access(path, os.X_OK):
                raise UsageProblem(
                    f"agent {self.name}: {name!r} is there, but nobody may run it: chmod +x {shlex.quote(name)}"
                )
        else:
            path = shutil.which(name, path=self._environment(Path("/"))["PATH"])
        if path is None:
            self._refuse_bare(name)
            raise UsageProblem(
                f"agent {self.name}: there is no program {name!r} that can be run: install it, correct its "
                "name, or add its folder to PATH"
            )
        return os.path.abspath(path)

    def _refuse_bare_files(self) -> None:
        """Raise `UsageProblem` for a file that is named without a slash: where the tool works it is not there.

        A name that is also that of a file which a patch may change is left to mean the tool's own copy.
        """
        closed = self.office.closed
        for word in self.command.words[1:]:
            if closed is Office.closed or closed(word):
                self._refuse_bare(word)

    def _refuse_bare(self, word: str) -> None:
        if os.sep not in word and not word.startswith("-") and (self._folder / word).is_file():
            raise UsageProblem(
                f"agent {self.name}: {word!r} is a file here, and the tool works in a folder of its own: write "
                f"./{word}"
            )

    def _real(self, word: str) -> str:
        """A word that is the path of a file here, as a path that holds in every folder."""
        path = _expanded(word)
        if os.sep not in word or word.startswith("-"):
            return word
        found = self._folder / path
        return str(found) if found.is_file() else word

    def _paths(self) -> list[str]:
        """What it may read: what the table and the profile list, and files that the command names."""
        named = [self._real(word) for word in self.command.words if os.sep in word]
        listed = [_expanded(path) for path in (*self.table.paths, *self.command.profile.paths)]
        return [path for path in (*listed, *named) if os.path.isabs(path) and os.path.exists(path)]

    def _environment(self, home: Path) -> dict[str, str]:
        profile = self.command.profile
        optional: dict[str, str | None] = dict.fromkeys((*profile.env, *profile.keys))
        found = environment(home, {**optional, **profile.settings, **self.table.env})
        found["TMPDIR"] = "/tmp" if self.runner.confined else str(home)
        return found

    def _seeds(self) -> list[str]:
        return [os.path.join("~", seed) for seed in self.command.profile.seeds]

    def _has_login(self) -> bool:
        profile = self.command.profile
        found = any(os.environ.get(name) for name in profile.keys)
        return found or any(os.path.isfile(_expanded(seed)) for seed in self._seeds())

    def _seed(self, home: Path) -> None:
        """Copy the files that a person's login lies in, once: the tool may renew its own copy."""
        profile = self.command.profile
        if any(os.environ.get(name) or self.table.env.get(name) for name in profile.keys):
            return
        for seed in profile.seeds:
            source = Path(_expanded(os.path.join("~", seed)))
            if safely.there(home, seed) or not source.is_file():
                continue
            with contextlib.suppress(OSError):
                safely.write(home, seed, source.read_bytes(), 0o600)

    def _note(self, name: str, content: bytes) -> None:
        self.office.transcripts.write(name, self.redactor.data(content))


def _expanded(path: str) -> str:
    return os.path.expandvars(os.path.expanduser(path))
