"""Calls that a closed door refuses say which argument of the sandbox marker opens it.

The kernel refuses them, whatever a candidate does here; but its own words ("Resource temporarily
unavailable"), or a library's that met them in another process, help nobody.
"""

from __future__ import annotations

import _posixsubprocess
import errno
import os
import socket
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from . import locks
from .confine import GUARDED, NONE

Function = Callable[..., Any]

FORK = "a new process needs @pytest.mark.sandbox(processes=True)"
PROGRAM = "a new program needs @pytest.mark.sandbox(processes=True, exec=True)"
EXEC = "a program in place of this process needs @pytest.mark.sandbox(exec=True)"
NETWORK = "candidate code has no network; files are given to it with @pytest.mark.sandbox(data=...)"
SOCKET = "candidate code has no sockets in this isolation tier, only pairs of them"
SENTENCES = (FORK, PROGRAM, EXEC, NETWORK, SOCKET)

FORKS = ("fork", "forkpty")
SPAWNS = ("posix_spawn", "posix_spawnp")
EXECS = ("execv", "execve")
NO_PROGRAM = (-1, 127 << 8)
"""What system(3) answers when it could start no process, or no shell."""


def furnish(plan: Mapping[str, Any]) -> None:
    """Make a candidate's process fit for its doors, before its code is there; ``plan`` as in `confine`."""
    if plan["tier"] == NONE:
        return
    explain(processes=plan["processes"], execute=plan["exec"])
    if plan["processes"]:
        # Not needed by most, and not imported for them.
        from . import switchboard

        switchboard.install()
    elif plan["tier"] == GUARDED:
        locks.install()
    _fork_by_default()


def _fork_by_default() -> None:
    """Fork unless the candidate says otherwise.

    From Python 3.14 on fresh interpreters are the default, which need sockets and programs; even a pool
    of threads prepares for one.
    """
    if sys.version_info >= (3, 14):
        import multiprocessing.context

        default: Any = multiprocessing.context._default_context
        default._default_context = multiprocessing.get_context("fork")
        default._actual_context = None


def explain(*, processes: bool, execute: bool) -> None:
    """Give words to what closed doors refuse; the kernel is asked first each time."""
    if not processes:
        _reword(os, FORKS, FORK)
    if not (processes and execute):
        _reword(os, SPAWNS, PROGRAM)
        _replace(os, "system", _system)
        _replace(_posixsubprocess, "fork_exec", _fork_exec)
        _replace(sys.modules.get("subprocess"), "_fork_exec", _fork_exec)
    if not execute:
        _reword(os, EXECS, EXEC)
    _replace(socket.socket, "__init__", _socket)
    _replace(socket, "getaddrinfo", _getaddrinfo)


def _replace(owner: Any, name: str, wrap: Callable[[Function], Function]) -> None:
    if hasattr(owner, name):
        setattr(owner, name, wrap(getattr(owner, name)))


def _reword(owner: Any, names: Iterable[str], sentence: str) -> None:
    def wrap(function: Function) -> Function:
        def call(*given: Any, **named: Any) -> Any:
            try:
                return function(*given, **named)
            except (BlockingIOError, PermissionError) as error:
                raise _said(error, sentence) from None

        return call

    for name in names:
        _replace(owner, name, wrap)


def _said(error: OSError, sentence: str) -> OSError:
    """The error with the sentence behind it, of the class that its number has."""
    return type(error)(error.errno, f"{error.strerror}: {sentence}")


def _system(function: Function) -> Function:
    def system(command: Any) -> Any:
        status = function(command)
        if status in NO_PROGRAM:
            raise PermissionError(errno.EACCES, f"{os.strerror(errno.EACCES)}: {PROGRAM}")
        return status

    return system


def _fork_exec(function: Function) -> Function:
    """All of multiprocessing and joblib that starts a fresh interpreter comes by here.

    Where only programs are refused the kernel tells that to the new process, which nobody listens to.
    """

    def fork_exec(*given: Any) -> Any:
        try:
            pid = function(*given)
        except BlockingIOError as error:
            raise _said(error, PROGRAM) from None
        os.waitpid(pid, 0)
        raise PermissionError(errno.EACCES, f"{os.strerror(errno.EACCES)}: {PROGRAM}")

    return fork_exec


def _socket(function: Function) -> Function:
    def __init__(self: socket.socket, family: int = -1, *given: Any, **named: Any) -> None:
        try:
            function(self, family, *given, **named)
        except PermissionError as error:
            raise _said(error, SOCKET if family == socket.AF_UNIX else NETWORK) from None

    return __init__


def _getaddrinfo(function: Function) -> Function:
    def getaddrinfo(*given: Any, **named: Any) -> Any:
        try:
            return function(*given, **named)
        except socket.gaierror as error:
            raise _said(error, NETWORK) from None

    return getaddrinfo


def remind(error: BaseException, text: str) -> str:
    """An error's text, with the sentence of the refusal that led to it, if it lacks that."""
    for one in _chain(error):
        sentence = _sentence(one)
        if sentence:
            return text if sentence in text else f"{text}\n{sentence}"
    return text


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it came from or holds."""
    todo, seen = [error], set[int]()
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        todo += [other for other in (one.__cause__, one.__context__) if other is not None]
        todo += one.exceptions if isinstance(one, BaseExceptionGroup) else []


def _sentence(error: BaseException) -> str:
    try:
        said = str(error)
    except BaseException:  # the candidate's own class may say anything, or nothing
        return ""
    for sentence in SENTENCES:
        if sentence in said:
            return sentence
    return FORK if isinstance(error, PermissionError) and _in_semaphore(error) else ""


def _in_semaphore(error: BaseException) -> bool:
    """Whether a lock between processes was asked for: without such processes there are none."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and os.path.basename(frames[-1].filename) == "synchronize.py"
