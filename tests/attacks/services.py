"""Services of the host that have the labels and give them to whoever asks."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
from pathlib import Path
from typing import Any


class Services:
    """Listens on loopback and on unix sockets; ``heard`` is what was sent there."""

    def __init__(self, table: bytes, nonce: str, paths: tuple[Path, ...], pipe: Path) -> None:
        self.heard: list[bytes] = []
        self.abstract = f"{nonce}-labels"
        self._table = table
        self._selector = selectors.DefaultSelector()
        self._open: list[socket.socket] = []
        self.port = self._listen(socket.AF_INET6, ("::", 0))
        self.udp = self._receive(socket.AF_INET, ("127.0.0.1", 0))
        self._listen(socket.AF_UNIX, f"\0{self.abstract}")
        self._receive(socket.AF_UNIX, f"\0{self.abstract}d")
        for path in paths:
            self._listen(socket.AF_UNIX, str(path))
            path.chmod(0o777)
        os.mkfifo(pipe)
        pipe.chmod(0o666)
        self._pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        self._selector.register(self._pipe, selectors.EVENT_READ, self._read)
        self._near, self._far = os.pipe()
        self._selector.register(self._near, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        os.close(self._far)
        self._thread.join()
        for link in self._open:
            link.close()
        os.close(self._near)
        os.close(self._pipe)
        self._selector.close()

    def _listen(self, family: int, where: Any) -> int:
        link = socket.socket(family)
        if family == socket.AF_INET6:
            link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            with contextlib.suppress(OSError):
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 5)
        link.bind(where)
        link.listen(16)
        self._open.append(link)
        self._selector.register(link, selectors.EVENT_READ, self._accept)
        return _port(link)

    def _receive(self, family: int, where: Any) -> int:
        link = socket.socket(family, socket.SOCK_DGRAM)
        link.bind(where)
        self._open.append(link)
        self._selector.register(link, selectors.EVENT_READ, self._answer)
        return _port(link)

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                with contextlib.suppress(OSError):
                    key.data(key.fileobj)

    def _accept(self, server: socket.socket) -> None:
        link, _ = server.accept()
        with link:
            link.settimeout(0.5)
            self.heard.append(b"a connection")
            self.heard.append(link.recv(4096))
            link.sendall(self._table)

    def _answer(self, link: socket.socket) -> None:
        data, where = link.recvfrom(4096)
        self.heard.append(data)
        if where:
            link.sendto(self._table[:60_000], where)

    def _read(self, pipe: int) -> None:
        self.heard.append(os.read(pipe, 4096))


def _port(link: socket.socket) -> int:
    name = link.getsockname()
    return int(name[1]) if isinstance(name, tuple) else 0
