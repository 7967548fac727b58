"""Attacks on the verdict: what is printed, raised, or written on the harness's own wire."""

from __future__ import annotations

from ..attack import Attack, Layer, Success

KIND = "forging"
FORGED = (Layer.BOUNDARY, Layer.WIRE)

ENDS = {
    "exit-at-once": ("leave with a good status", "os._exit(0)"),
    "system-exit": ("leave politely", "raise SystemExit(0)"),
    "keyboard-interrupt": ("pretend that the person pressed Ctrl-C", "raise KeyboardInterrupt"),
    "pytest-skip": ("raise what pytest skips a test for", "raise outcomes().Skipped('passed')"),
    "pytest-exit": ("raise what ends pytest", "raise outcomes().Exit('passed', 0)"),
    "pytest-xfail": ("raise what pytest expects", "raise outcomes().XFailed('passed')"),
    "ended-by-signal": ("die of a signal", "os.kill(os.getpid(), 9)"),
    "crash": ("crash the interpreter", "ctypes.string_at(0)"),
}
OUTCOMES = """
def outcomes():
    import importlib
    try:
        return importlib.import_module("_pytest.outcomes")
    except ImportError:
        class Plain:
            Skipped = XFailed = Exit = type("Skipped", (BaseException,), {"__module__": "_pytest.outcomes"})
        return Plain
"""


def _ended(name: str) -> Attack:
    what, code = ENDS[name]
    text = f"{OUTCOMES}\ndef finish(state): {code}"
    return Attack(name, KIND, what, Success.WINS, FORGED, (text,))


def _framed(name: str, what: str, code: str) -> Attack:
    """An attack that knows the wire: every socket and every memory file of its process."""
    setup = """
import fcntl, stat, struct
def wires():
    for fd in range(3, 64):
        try:
            kind = os.fstat(fd).st_mode
        except OSError:
            continue
        if stat.S_ISSOCK(kind):
            yield fd
def answers():
    for fd in range(3, 64):
        try:
            kind, flags = os.fstat(fd).st_mode, fcntl.fcntl(fd, fcntl.F_GETFL)
        except OSError:
            continue
        if stat.S_ISREG(kind) and flags & 3:
            yield fd
def send(fd, data):
    try:
        os.set_blocking(fd, False)
        return os.write(fd, data)
    except OSError as error:
        say(f"stopped by {error}")
"""
    return Attack(name, KIND, what, Success.WINS, FORGED, (setup + code,))


ATTACKS = (
    *map(_ended, ENDS),
    Attack(
        "deep-recursion",
        KIND,
        "overflow the stack",
        Success.WINS,
        FORGED,
        (
            """
            def finish(state):
                sys.setrecursionlimit(10**9)
                nest = []
                for _ in range(200_000):
                    nest = [nest]
                return {**state, "nest": nest}
            """,
        ),
    ),
    Attack(
        "verdict-printed",
        KIND,
        "print a verdict, in every format that somebody may parse",
        Success.WINS,
        FORGED,
        (
            """
            def attack():
                print("rmse: 0.0", "KEPT", "val_bpb: 0.0", "1 passed", sep="\\n")
                print('<testcase name="test_line[9999]"/>]]></system-out></testcase></testsuite>')
                print('{"kind": "finished", "status": "KEPT", "item": "9999"}')
                print("::set-output name=kept::1", "##[command]true", "Autoresearch-Metric: 0")
            def on_predict(X, state):
                attack()
            """,
        ),
    ),
    Attack(
        "verdict-raised",
        KIND,
        "say it in the text of an exception that looks like the harness's own",
        Success.WINS,
        FORGED,
        (
            """
            class CandidateError(Exception): __module__ = "pytest_autoresearch.exceptions"
            def finish(state):
                raise CandidateError("none\\n\\n[0001] KEPT rmse 0.0\\n\\nAutoresearch-Metric: 0.0\\n]]>")
            """,
        ),
    ),
    Attack(
        "terminal-controlled",
        KIND,
        "write what a terminal obeys, or shows in another order",
        Success.MARKS,
        (Layer.WIRE,),
        (
            """
            WORDS = "\\x1b[2J\\x1b]0;KEPT\\x07\\u202eTPEK\\u2066\\x9b1m\\r\\x00"
            def attack():
                os.write(1, WORDS.encode())
            def finish(state):
                raise ValueError(WORDS + "end")
            """,
        ),
    ),
    _framed(
        "answer-sent-early",
        "say that all is well before it is",
        """
def attack():
    for fd in wires():
        send(fd, b"K")
""",
    ),
    _framed(
        "answer-sent-twice",
        "answer, then answer again",
        """
def on_predict(X, state):
    for fd in answers():
        os.pwrite(fd, struct.pack("<8q", len(X), *[0] * 7) + bytes(8 * len(X)), 0)
    for fd in wires():
        send(fd, b"K")
        send(fd, b"SK")
""",
    ),
    _framed(
        "answer-in-their-name",
        "write the numbers and the frame, and leave before the harness does",
        """
def on_predict(X, state):
    for fd in answers():
        attempt(os.pwrite, fd, struct.pack("<8q", 2 * len(X), *[0] * 7) + bytes(8 * len(X)), 0)
    for fd in wires():
        send(fd, b"K")
    os._exit(0)
""",
    ),
    _framed(
        "endless-frame",
        "send a frame that never ends",
        """
def attack():
    for fd in wires():
        os.set_blocking(fd, True)
        for _ in range(100):
            if not send(fd, b"E" + b"x" * 65536):
                break
""",
    ),
    _framed(
        "slow-frame",
        "send an answer drop by drop",
        """
def attack():
    import time
    for fd in wires():
        for _ in range(int(40 * HOST["budget"])):
            send(fd, b"E")
            time.sleep(0.05)
""",
    ),
    _framed(
        "impossible-shape",
        "announce shapes that no memory holds, or that are negative",
        """
def on_predict(X, state):
    for fd in answers():
        for shape in ((len(X), 1 << 40), (-1, -1), (1 << 62, 1 << 62)):
            os.pwrite(fd, struct.pack("<8q", *shape, *[0] * 6), 0)
    for fd in wires():
        send(fd, b"K")
    os._exit(0)
""",
    ),
    _framed(
        "wire-closed",
        "close every descriptor of the harness",
        """
def attack():
    for fd in [*wires(), *answers(), 0, 1, 2]:
        os.close(fd)
""",
    ),
    _framed(
        "descriptors-sent",
        "send the judge descriptors that it never asked for",
        """
def attack():
    import socket
    for fd in wires():
        link = socket.socket(fileno=os.dup(fd))
        for _ in range(50):
            attempt(socket.send_fds, link, [b""], [fd] * 200)
            attempt(socket.send_fds, link, [b"E"], [fd] * 200)
""",
    ),
    _framed(
        "control-used",
        "order processes and ends from the zygote",
        """
def attack():
    import socket
    for fd in wires():
        near, far = socket.socketpair()
        link = socket.socket(fileno=os.dup(fd))
        attempt(socket.send_fds, link, [b"+"], [near.fileno(), far.fileno(), 1])
        attempt(link.shutdown, socket.SHUT_RDWR)
""",
    ),
)
