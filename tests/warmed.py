"""A program that has imported what a search imports: a child is forked for each request of `warm.Warm`.

Nothing of ours is imported before pytest is there to do it: it warns of plugins that came before it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import sys
import tempfile
from typing import NoReturn

import pytest

LIBRARIES = ("numpy.random", "matplotlib.figure", "matplotlib.backends.backend_agg")


def serve() -> None:
    """Fork a child for each line of standard input, until there are no more."""
    replies = os.dup(1)
    for line in iter(sys.stdin.readline, ""):
        child = os.fork()
        if child == 0:
            os.close(replies)
            become(**json.loads(line))
        os.write(replies, f"{child}\n".encode())
        os.write(replies, f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n".encode())


def become(arguments: list[str], cwd: str, env: dict[str, str], folder: str) -> NoReturn:
    """Be ``python -m pytest``, with nothing on standard input."""
    for number, path in enumerate((os.devnull, f"{folder}/out", f"{folder}/err")):
        file = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - what was read ahead is another's
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.path[0] = cwd
    sys.argv[1:] = arguments
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)
    sys.exit()


def warm_up() -> None:
    """Import what a search imports, by pytest's own import hook, which rewrites assertions of plugins."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        pytest.main(
            ["--autoresearch", "--co", "--rootdir", folder, "-p", "no:cacheprovider", folder]
        )
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # No child has to look through what was imported.
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    warm_up()
    serve()
