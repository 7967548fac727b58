"""Attacks that fetch labels, or send secrets, over a network or a socket of the host."""

from __future__ import annotations

from ..attack import Attack, Layer, Success

KIND = "network"
SOCKETS = (Layer.NAMESPACES, Layer.SECCOMP)

FETCH = """
import socket
def fetch(link):
    link.settimeout(1)
    link.sendall(NAME.encode())
    data = b""
    while len(data) < 1 << 20 and (more := link.recv(65536)):
        data += more
    take(data)
"""


def _fetched(name: str, what: str, code: str, layers: tuple[Layer, ...] = SOCKETS) -> Attack:
    """An attack that asks a server on the host for the labels."""
    return Attack(name, KIND, what, Success.WINS, layers, (f"{FETCH}\n{code}",))


def _made(name: str, what: str, code: str, off: str = "") -> Attack:
    """An attack that is content with a socket."""
    return Attack(name, KIND, what, Success.SAYS, SOCKETS, (f"import socket\n{code}",), off=off)


ATTACKS = (
    _fetched(
        "tcp",
        "download the labels",
        'def attack(): fetch(socket.create_connection(("127.0.0.1", HOST["port"]), 1))',
    ),
    _fetched(
        "tcp-over-ipv6",
        "the same to an address of IPv6 that stands for one of IPv4",
        'def attack(): fetch(socket.create_connection(("::ffff:127.0.0.1", HOST["port"]), 1))',
    ),
    _fetched(
        "multipath-tcp",
        "the same by a protocol that rules about TCP forget",
        """
def attack():
    link = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
    link.connect(("127.0.0.1", HOST["port"]))
    fetch(link)
""",
    ),
    _fetched(
        "tcp-fast-open",
        "send data without a call to connect",
        """
def attack():
    link = socket.socket()
    link.sendto(b"f", 0x20000000, ("127.0.0.1", HOST["port"]))
    fetch(link)
""",
    ),
    _fetched(
        "tcp-by-thread",
        "the same from another thread",
        """
def attack():
    import threading
    where = ("127.0.0.1", HOST["port"])
    thread = threading.Thread(target=lambda: attempt(lambda: fetch(socket.create_connection(where, 1))))
    thread.start()
    thread.join()
""",
    ),
    _fetched(
        "udp",
        "ask by datagram",
        """
def attack():
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.settimeout(1)
    link.sendto(NAME.encode(), ("127.0.0.1", HOST["udp"]))
    take(link.recv(65536))
""",
    ),
    _fetched(
        "abstract-socket",
        "ask a service that has no path",
        """
def attack():
    link = socket.socket(socket.AF_UNIX)
    link.connect(chr(0) + HOST["abstract"])
    fetch(link)
""",
    ),
    _fetched(
        "abstract-datagram",
        "send to a service that has no path, without a connection",
        """
def attack():
    link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    link.sendto(NAME.encode(), chr(0) + HOST["abstract"] + "d")
    breach()
""",
    ),
    _fetched(
        "path-socket",
        "ask a service at a path of the host",
        """
def attack():
    link = socket.socket(socket.AF_UNIX)
    link.connect(HOST["socket"])
    fetch(link)
""",
    ),
    _fetched(
        "path-socket-in-environment",
        "ask a service whose socket lies in the Python environment, which can be seen",
        """
def attack():
    link = socket.socket(socket.AF_UNIX)
    link.connect(HOST["site"] + "/s")
    fetch(link)
""",
    ),
    _fetched(
        "socket-by-descriptor",
        "the same through a descriptor",
        """
def attack():
    place = os.open(HOST["site"] + "/s", os.O_PATH)
    link = socket.socket(socket.AF_UNIX)
    link.connect(f"/proc/self/fd/{place}")
    fetch(link)
""",
    ),
    Attack(
        "pipe-in-environment",
        KIND,
        "write to somebody who reads a pipe that can be seen",
        Success.MARKS,
        (Layer.LANDLOCK,),
        (
            """
            def attack():
                pipe = os.open(HOST["site"] + "/pipe", os.O_WRONLY | os.O_NONBLOCK)
                os.write(pipe, (NAME + "\\n").encode())
            """,
        ),
    ),
    _made(
        "listening",
        "serve what was learned to whoever connects",
        """
def attack():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    breach()
""",
    ),
    _made(
        "netlink",
        "ask the kernel for its networks",
        """
def attack():
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    link.bind((0, 0))
    breach()
""",
    ),
    _made(
        "virtual-machine-socket",
        "talk to the machine that this one runs in",
        """
def attack():
    link = socket.socket(40, socket.SOCK_STREAM)
    link.settimeout(0.2)
    breach("a socket")
    link.connect((2, 1024))
""",
    ),
    _made(
        "raw-packets",
        "write and read packets",
        """
def attack():
    for family, kind, protocol in ((17, 3, 0x0300), (2, 3, 1), (2, 2, 1), (10, 3, 58)):
        try:
            socket.socket(family, kind, protocol)
            breach((family, kind))
        except OSError as error:
            say(f"stopped by {error}")
""",
    ),
    _made(
        "rare-families",
        "use families of sockets that hardly anybody watches",
        """
def attack():
    for family in [*range(3, 17), *range(18, 47)]:
        for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM, socket.SOCK_RAW):
            try:
                socket.socket(family, kind).close()
                breach((family, kind))
            except OSError:
                pass
""",
        "it would load parts of the kernel",
    ),
    _made(
        "socket-by-ring",
        "make a ring of requests, which no filter of system calls sees",
        """
def attack():
    breach(syscall("io_uring_setup", 4, ctypes.create_string_buffer(256)))
""",
    ),
)
