"""Builds the walls around a candidate's process, from the inside, before any of its code is there."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from . import landlock, privileges, seccomp, world

SEALED, GUARDED, NONE = "sealed", "guarded", "none"
NO_CORE = 1
"""With 0 the kernel would still hand the memory of a process that crashes to a program; see core(5)."""

OPEN_FILES = 1024
PROCESSES = max(1024, 32 * (os.cpu_count() or 1))
"""So many processes and threads may there be in one job."""

Plan = Mapping[str, Any]
"""What is the same for all jobs: ``tier``, ``workshop`` (the folder that holds all jobs' folders),
``rules`` (paths and Landlock's rights), ``shared`` (bytes of shared memory), ``processes``, ``exec`` and
``gpu``."""


class Walls:
    """The walls around one process. Both steps raise `OSError` that names the layer that failed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._sealed = plan["tier"] == SEALED
        self._ruleset: landlock.Ruleset | None = None
        self._filter: seccomp.Filter | None = None

    def prepare(self) -> None:
        """All that can be done before the job is known."""
        plan = self._plan
        if plan["tier"] == NONE:
            return
        if self._sealed:
            world.begin_own(PROCESSES, plan["shared"], proc_writable=plan["gpu"])
        self._limit()
        self._filter = seccomp.build(self._rules())
        self._ruleset = landlock.Ruleset()
        self._ruleset.allow(self._allowed())
        if self._sealed or plan["processes"]:
            self._ruleset.allow([(world.SHARED, landlock.WRITE)])
        if plan["gpu"]:
            # CUDA names its threads, which is done by writing to their files.
            self._ruleset.allow([("/proc/self/task", landlock.READ | landlock.WRITE_FILE)])

    def close(self, reads: Sequence[str], writes: Sequence[str]) -> None:
        """Leave in reach only the folders of one job: those that it reads, and those that it fills."""
        if self._ruleset is None or self._filter is None:
            return
        if self._sealed:
            world.narrow(self._plan["workshop"], reads, writes)
        self._ruleset.allow([(path, landlock.READ) for path in reads])
        self._ruleset.allow([(path, landlock.WRITE) for path in writes])
        privileges.drop()
        self._ruleset.restrict()
        self._filter.load()

    def _allowed(self) -> list[landlock.Rule]:
        """The plan's rules, without those that would list too much.

        To list a folder is to list all below, what is hidden there, too: in a sealed world nothing lies
        there, else it is allowed only where nothing could be imported without.
        """
        rules = [(path, rights) for path, rights in self._plan["rules"]]
        if self._sealed:
            return rules
        imported = set(map(os.path.realpath, sys.path))
        return [rule for rule in rules if rule[1] != landlock.LIST or rule[0] in imported]

    def _limit(self) -> None:
        limits = {resource.RLIMIT_NOFILE: OPEN_FILES, resource.RLIMIT_CORE: NO_CORE}
        if self._sealed:
            # Counted within the user namespace, and never for root.
            limits[resource.RLIMIT_NPROC] = PROCESSES
        limits[resource.RLIMIT_MSGQUEUE] = 0
        privileges.limit(limits)

    def _rules(self) -> seccomp.Rules:
        return seccomp.Rules(
            processes=self._plan["processes"],
            execute=self._plan["exec"],
            alone=self._sealed,
            scoped=landlock.scopes(),
            pid=os.getpid(),
        )
