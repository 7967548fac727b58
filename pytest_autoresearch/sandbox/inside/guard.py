"""The first process of a sandbox: small, never busy, and the last to go.

It starts the zygote and waits. When the judge is gone (even by ``kill -9``: then its end of the
lifeline closes) or the zygote is (killed by a candidate, say), it kills everything below itself. A
candidate's orphans that lose the zygote come to it, so that a double fork or ``setsid`` is no way out.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import sys
from typing import Any

from . import errand, probe, processes, world, zygote

MAX_REASON = 4096


def main() -> None:
    """Usage: ``python inside < ORDER``; ORDER is JSON.

    Its keys are ``lifeline`` and ``control`` (numbers of inherited descriptors), ``libraries`` (names
    to import), ``path`` (the folders to import from), ``repository``, ``walls`` (see
    `confine`), ``world`` (what a sealed sandbox is built of, else empty) , ``probe`` (whether only to say
    which walls there are) and ``read`` (what only to parse, see `reader`). Of one with ``errand`` (a
    program to run, see there) nothing else is looked at.
    """
    order: dict[str, Any] = json.load(sys.stdin.buffer)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    if "errand" in order:
        errand.main(order["errand"])
    if order["probe"]:
        probe.main(order)
    if order["world"]:
        world.settle(order["world"])
    if order.get("read"):
        importlib.import_module(f"{__package__}.reader.main").main(
            **order["read"], plan=order["walls"]
        )
    processes.adopt_orphans()
    woken = processes.waker()
    told, order["unfit"] = os.pipe()
    order["cold"] = ""
    pid = _start(order)
    while pid in processes.children(os.getpid()):
        ready, _, _ = select.select([order["lifeline"], woken, told], [], [])
        if order["lifeline"] in ready:
            break
        if told in ready:
            order |= {"libraries": [], "cold": os.read(told, MAX_REASON).decode()}
            processes.kill_below(set, processes.bury)
            pid = _start(order)
        processes.drain(woken)
        processes.bury()
    processes.kill_below(set, processes.bury)
    os._exit(0)


def _start(order: dict[str, Any]) -> int:
    """Fork a zygote."""
    pid = os.fork()
    if pid == 0:
        os.close(order["lifeline"])
        zygote.main(order)
    return pid
