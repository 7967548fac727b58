"""Connections between the processes of one candidate where no socket may be made, only pairs of them.

A socket could be connected to one of the machine's by its path, in any folder that can be seen, a session
bus for instance. But DataLoader and managers of `multiprocessing` connect processes by sockets with a path. Here
they get a switchboard: lines (pairs of sockets) that all processes inherit, laid before any of the
candidate's code runs. Who listens takes a line, whose number it writes into the file of its address; who
connects makes a pair of sockets and sends one of them over that line.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
import struct
import tempfile
import threading
from array import array
from multiprocessing import connection, util
from typing import IO, Any

LINES = 64
CALL = struct.Struct("<16si")
"""Whom the call is for, and the process that calls."""

TAKEN = b"\0"
POLL_SECONDS = 0.05


class Switchboard:
    """The lines. Each is held by at most one listener, for as long as that lives.

    The kernel keeps the books: a lock on the byte of a line in a file without a name, which goes when its
    process does, however that ends.
    """

    def __init__(self, lines: int = LINES) -> None:
        self.lines = [socket.socketpair(type=socket.SOCK_SEQPACKET) for _ in range(lines)]
        self.book: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - held for life
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        """A child has none of its parent's locks."""
        self.own: set[int] = set()
        self.turn = threading.Lock()

    def take(self) -> int:
        """Hold a line that nobody holds; raises `OSError` when all are taken."""
        with self.turn:
            for line in range(len(self.lines)):
                if line not in self.own and self._lock(line):
                    self.own.add(line)
                    self.drop_calls(line)
                    return line
        raise OSError(f"more than {len(self.lines)} listeners in one candidate")

    def leave(self, line: int) -> None:
        """Hold it no longer."""
        with self.turn:
            if line in self.own:
                self.own.remove(line)
                self.drop_calls(line)
                fcntl.lockf(self.book, fcntl.LOCK_UN, 1, line)

    def is_held(self, line: int) -> bool:
        """Whether somebody listens."""
        with self.turn:
            if line in self.own:
                return True
            if self._lock(line):
                fcntl.lockf(self.book, fcntl.LOCK_UN, 1, line)
                return False
        return True

    def _lock(self, line: int) -> bool:
        try:
            fcntl.lockf(self.book, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, line)
        except OSError:
            return False
        return True

    def drop_calls(self, line: int) -> None:
        """Hang up on all who wait: what they hold of their pair then reads as ended."""
        with contextlib.suppress(BlockingIOError):
            while True:
                _, fds = self.next_call(line, socket.MSG_DONTWAIT)
                for fd in fds:
                    os.close(fd)

    def next_call(self, line: int, flags: int = 0) -> tuple[bytes, array[int]]:
        """A call, and the socket that it sends. `socket.recv_fds` of Python 3.11 drops its flags."""
        fds = array("i")
        call, more, _, _ = self.lines[line][0].recvmsg(
            CALL.size, socket.CMSG_LEN(fds.itemsize), flags
        )
        for _, _, data in more:
            fds.frombytes(data[: len(data) // fds.itemsize * fds.itemsize])
        return call, fds


class Listener:
    """What `multiprocessing.connection.SocketListener` is, on a line of the switchboard."""

    def __init__(self, board: Switchboard, address: str) -> None:
        self._board = board
        self._address = address
        self._last_accepted: Any = None
        self._name = secrets.token_bytes(16)
        self._line = board.take()
        try:
            with open(_file(address), "x") as file:
                file.write(f"{self._line} {self._name.hex()}")
        except BaseException:
            board.leave(self._line)
            raise
        self._unlink = util.Finalize(self, os.unlink, args=(_file(address),), exitpriority=0)

    def accept(self) -> Any:
        """Wait for the next call that is for this listener."""
        while True:
            call, fds = self._board.next_call(self._line)
            name, caller = CALL.unpack(call)
            if name == self._name:
                if caller != os.getpid():
                    os.write(fds[0], TAKEN)
                return connection.Connection(fds[0])
            for fd in fds:
                os.close(fd)

    def close(self) -> None:
        """Hang up; a forked child that closes its copy takes nothing from its parent."""
        self._board.leave(self._line)
        with contextlib.suppress(FileNotFoundError):
            self._unlink()


def connect(board: Switchboard, address: str) -> Any:
    """What `multiprocessing.connection.SocketClient` does: raises `OSError` when nobody listens."""
    with open(_file(address)) as file:
        line, name = file.read().split()
    if not board.is_held(int(line)):
        raise ConnectionRefusedError(f"nobody listens at {address}")
    own, other = socket.socketpair()
    with own, other:
        call = CALL.pack(bytes.fromhex(name), os.getpid())
        socket.send_fds(board.lines[int(line)][1], [call], [other.fileno()])
        other.close()
        if int(line) not in board.own:
            _wait_for_answer(board, int(line), own, address)
        return connection.Connection(own.detach())


def _wait_for_answer(board: Switchboard, line: int, own: socket.socket, address: str) -> None:
    """Else a listener that died with the call unread would be waited for without end."""
    own.settimeout(POLL_SECONDS)
    while True:
        try:
            answer = own.recv(1)
        except TimeoutError:
            answer = TAKEN if board.is_held(line) else b""
            if answer:
                continue
        if not answer:
            raise ConnectionRefusedError(f"who listened at {address} has ended")
        own.settimeout(None)
        return


def _file(address: str) -> str:
    """Addresses are paths; abstract ones, of Python 3.11.0, get a path of their own."""
    if address.startswith("\0"):
        return os.path.join(tempfile.gettempdir(), address[1:])
    return address


def install() -> None:
    """Have `multiprocessing` of this process, and of all that it will fork, use a switchboard.

    Fresh interpreters (``spawn``, ``forkserver``) do not inherit it.
    """
    board = Switchboard()

    def listen(address: str, family: str, backlog: int = 1) -> Listener:
        return Listener(board, address)

    def client(address: str) -> Any:
        return connect(board, address)

    for name, function in (("SocketListener", listen), ("SocketClient", client)):
        setattr(connection, name, function)
    # Else joblib's arrays lie in the machine's shared memory while nobody holds them.
    os.environ.setdefault("JOBLIB_TEMP_FOLDER", tempfile.gettempdir())
