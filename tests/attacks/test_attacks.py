"""Code that means to cheat is rejected, harms nothing, learns nothing, and the search goes on.

All attacks of `arsenal` are replayed by real searches, one a tier and a surrounding; a last run, with
the walls taken away, shows that the attacks are real.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from pytest_autoresearch.records import Status

from .arsenal import ATTACKS
from .attack import Attack, Layer, Success
from .campaign import OFF, REJECTED, Campaign, baseline, wage
from .conftest import Report

HERE = Path(__file__).parent
USER = 1000
AS_USER = (sys.executable, str(HERE / "as_user.py"), str(USER))
CONTAINER = (sys.executable, str(HERE / "container.py"))
WALLS = {Layer.NAMESPACES, Layer.LANDLOCK, Layer.SECCOMP}
KNOWN = {"guarded": ("labels-in-shared-places",)}
"""What comes through with doors open, as header and docs/security.md say: the machine's /dev/shm."""

ANYWHERE = ("evaluation", "forging", "patches", "pickles", "predictions", "state")
"""What is stopped in the same way whoever the user is: tried in the first two runs."""

BEHIND_DOORS = ("labels", "network", "processes", "signals", "escapes")


@dataclass(frozen=True)
class Run:
    """A search in ``tier``; it must turn out to run in ``found``. ``part`` takes some of the attacks."""

    tier: str
    found: str
    launcher: tuple[str, ...] = ()
    user: int | None = None
    doors: bool = False
    part: slice | None = None

    @property
    def attacks(self) -> Sequence[Attack]:
        if self.tier == "none":
            return [attack for attack in ATTACKS if not attack.off and WALLS & {*attack.layers}]
        if self.doors:
            tried = [one for one in ATTACKS if one.kind in BEHIND_DOORS and not one.allowed]
            return [one for one in tried if one.name not in KNOWN.get(self.tier, ())]
        if self.launcher:
            tried = [one for one in ATTACKS if one.kind not in ANYWHERE]
            return tried[self.part] if self.part else tried
        return ATTACKS

    def wage(self) -> Campaign:
        return wage(
            self.tier,
            attacks=self.attacks,
            launcher=self.launcher,
            user=self.user,
            doors=self.doors,
            options=OFF if self.tier == "none" else (),
        )


RUNS = {
    "sealed": Run("sealed", "sealed"),
    "guarded": Run("guarded", "guarded"),
    "layers off": Run("none", "none"),
    # Every attack once as an ordinary user, every other one in either tier.
    "sealed, as a user": Run("sealed", "sealed", AS_USER, USER, part=slice(0, None, 2)),
    "guarded, as a user": Run("guarded", "guarded", AS_USER, USER, part=slice(1, None, 2)),
    "auto, in a container": Run("auto", "guarded", CONTAINER),
    "sealed, doors open": Run("sealed", "sealed", doors=True),
    "guarded, doors open": Run("guarded", "guarded", doors=True),
}


@cache
def unfit(run: str) -> str:
    """Why this machine cannot make a run; found out apart from the code that is tested."""
    made = RUNS[run]
    if made.launcher == AS_USER:
        if os.geteuid() != 0:
            return "the tests run as an ordinary user already"
        done = _python(*AS_USER, sys.executable, "-c", "import pytest_autoresearch.plugin, numpy")
        if done.returncode:
            return f"Python cannot be reached as user {USER}: {done.stderr.strip()[-200:]}"
    if made.launcher == CONTAINER:
        done = _python(*CONTAINER, sys.executable, "-c", "pass")
        if done.returncode:
            return f"no filter like a container's: {done.stderr.strip()[-200:]}"
    if made.found == "guarded" and landlock() < (6 if made.doors else 3):
        return f"the kernel's Landlock is of version {landlock()}"
    if made.found == "sealed":
        call = (
            f"import ctypes, sys; sys.exit(-ctypes.CDLL(None).unshare({0x10000000 | 0x20000000}))"
        )
        if _python(*made.launcher, sys.executable, "-c", call).returncode:
            return "this machine refuses namespaces"
    return ""


def landlock() -> int:
    """The version of the kernel's Landlock; 0: none."""
    call = ctypes.CDLL(None).syscall
    return max(0, int(call(ctypes.c_long(444), None, ctypes.c_size_t(0), ctypes.c_uint(1))))


def _python(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_attacks_are_many_and_each_says_what_stops_it() -> None:
    assert len(ATTACKS) >= 200
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert all(attack.layers and attack.what for attack in ATTACKS)
    assert all(bool(attack.stages) != bool(attack.patch) for attack in ATTACKS)
    assert {attack.success for attack in ATTACKS} == set(Success)


@pytest.fixture(scope="class")
def campaign(request: pytest.FixtureRequest) -> Campaign:
    """The search of a class, ended; skipped with the reason where the machine cannot run it."""
    run: str = request.cls.run
    if reason := unfit(run):
        pytest.skip(reason)
    return RUNS[run].wage()


class Attacked:
    """What holds for each search in which walls stand; a class of tests is one search."""

    run: str

    def test_every_attack_is_rejected(self, campaign: Campaign, report_line: Report) -> None:
        tried = len(campaign.attacks)
        through = len(campaign.through.keys() | {*campaign.untested})
        report_line(
            f"{self.run}: {tried - through} of {tried} attacks rejected in {campaign.seconds:.0f} s"
        )
        assert campaign.result.returncode == 0, campaign.result.stdout + campaign.result.stderr
        assert campaign.result.lines[0]["isolation"] == RUNS[self.run].found
        assert not campaign.through, f"attacks got through:\n{campaign.describe()}"
        assert not campaign.untested
        for attack in RUNS[self.run].attacks:
            found = [record.status for record in campaign.records[attack.name]]
            assert len(found) == max(1, len(attack.stages)), attack.name
            assert set(found) <= ({Status.REFUSED} if attack.patch else REJECTED), attack.name

    def test_the_host_is_unharmed(self, campaign: Campaign) -> None:
        assert campaign.changes == []
        assert campaign.survivors == []
        assert campaign.left_behind == []
        assert campaign.asked == []

    def test_nothing_leaks(self, campaign: Campaign) -> None:
        assert campaign.leaked == []

    def test_the_search_goes_on(self, campaign: Campaign) -> None:
        """What is honest scores as ever, and the one better model, the last of all, is kept."""
        untouched = baseline(campaign.result).passes[0].scores
        assert campaign.controls
        for record in campaign.controls:
            assert record.status is Status.DISCARD
            assert record.passes[0].scores == untouched
        kept = [one.description for one in campaign.result.experiments if one.status is Status.KEPT]
        assert kept == ["honest"]


class TestSealed(Attacked):
    run = "sealed"


class TestGuarded(Attacked):
    run = "guarded"


class TestSealedAsUser(Attacked):
    run = "sealed, as a user"


class TestGuardedAsUser(Attacked):
    run = "guarded, as a user"


class TestAutoInContainer(Attacked):
    run = "auto, in a container"


class TestSealedDoorsOpen(Attacked):
    run = "sealed, doors open"


class TestGuardedDoorsOpen(Attacked):
    run = "guarded, doors open"


def test_each_run_with_walls_is_a_class_of_tests() -> None:
    classes = Attacked.__subclasses__()
    assert {one.run for one in classes} == RUNS.keys() - {"layers off"}
    assert all(one.__name__.startswith("Test") for one in classes)


def test_with_layers_off_most_attacks_get_through(report_line: Report) -> None:
    campaign = RUNS["layers off"].wage()
    walled = [attack.name for attack in RUNS["layers off"].attacks]
    through = [name for name in walled if name in campaign.through]
    report_line(
        f"layers off: {len(through)} of the {len(walled)} attacks that walls are there for get through"
    )
    assert campaign.result.returncode == 0, campaign.result.stdout + campaign.result.stderr
    least = 0.9 if os.geteuid() == 0 else 0.6
    assert len(through) >= least * len(walled), sorted({*walled} - {*through})
