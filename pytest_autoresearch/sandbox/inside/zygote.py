"""The warm process: imports the libraries once, then forks a candidate's process for every job.

It holds no data and never runs a parallel region: after one, every OpenMP region of a forked child
hangs for ever.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import signal
import socket
import struct
import sys
import traceback
import warnings
from typing import Any, NoReturn

from . import forking, imports
from .nursery import Nursery


def main(order: dict[str, Any]) -> NoReturn:
    """Import, say so, then fork until the judge is gone.

    Where the imports made a process whose children hang, the guard is told why, and starts another one
    without imports: ``cold`` is then the reason.
    """
    status = 1
    try:
        control = socket.socket(fileno=order["control"])
        sys.path[:] = order["path"]
        imports.leave(order["repository"])
        skipped = import_all(order["libraries"])
        sys.stdout.flush()
        if unfit := forking.trouble():
            os.write(order["unfit"], unfit.encode())
            while True:
                signal.pause()
        os.close(order["unfit"])
        gc.collect()
        gc.freeze()
        text = json.dumps({"skipped": skipped, "cold": order["cold"]}).encode()
        control.sendall(struct.pack("<I", len(text)) + text)
        Nursery(control, order["walls"]).serve()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def import_all(names: list[str]) -> dict[str, str]:
    """Import each; return what could not be, with the reason."""
    skipped: dict[str, str] = {}
    for name in names:
        try:
            if _is_module(name):
                importlib.import_module(name)
        except (Exception, SystemExit) as error:
            # A program among the modules of a library ends when it is imported.
            skipped[name] = f"{type(error).__name__}: {error}"[:300]
    if "numpy" in sys.modules:
        # NumPy loads this part when it is first used, which would be in every child.
        importlib.import_module("numpy.random")
    if (joblib := sys.modules.get("joblib")) is not None:
        # It asks a program, once, which a candidate's process may not start.
        with contextlib.suppress(Exception), warnings.catch_warnings(action="ignore"):
            joblib.cpu_count(only_physical_cores=True)
    return skipped


def _is_module(name: str) -> bool:
    """``from sklearn import svm`` names a module, ``from numpy import array`` does not."""
    parent, _, last = name.rpartition(".")
    if not parent:
        return True
    module = importlib.import_module(parent)
    return hasattr(module, "__path__") and importlib.util.find_spec(f"{parent}.{last}") is not None
