"""The first process of a sandbox: small, never busy, and the last to go.

It starts the zygote and waits. When the judge is gone (even by ``kill -9``: then its end of the
lifeline closes) or the zygote is (killed by a candidate, say), it kills everything below itself. A
candidate's orphans that lose the zygote come to it, so that a double fork or ``setsid`` is no way out.
"""

from __future__ import annotations

import json
import os
import select
from typing import Any

from . import processes, zygote


def main(arguments: list[str]) -> None:
    """Usage: ``python inside ORDER``; ORDER is JSON.

    Its keys are ``lifeline`` and ``control`` (numbers of inherited descriptors), ``libraries`` (names
    to import), ``path`` (the folders to import from) and ``repository``.
    """
    order: dict[str, Any] = json.loads(arguments[0])
    processes.adopt_orphans()
    woken = processes.waker()
    pid = os.fork()
    if pid == 0:
        os.close(order["lifeline"])
        zygote.main(order)
    os.close(order["control"])
    while pid in processes.children(os.getpid()):
        ready, _, _ = select.select([order["lifeline"], woken], [], [])
        if order["lifeline"] in ready:
            break
        processes.drain(woken)
        processes.bury()
    processes.kill_below(set, processes.bury)
    os._exit(0)
