"""Attacks that take more than was granted: memory, disk, descriptors, output, time.

Each is bounded by itself, so that the machine lives even where nothing stops it.
"""

from __future__ import annotations

from ..attack import Attack, Layer, Success

KIND = "resources"
LIMITS = (Layer.LIMITS,)

HOLD = """
import mmap, time
SIZE = 3 * HOST["memory"] // 2
STEP = HOST["scratch"] // 2
def full():
    time.sleep(0.7)
    breach(f"{SIZE >> 20} MiB")
"""


def _memory(name: str, what: str, code: str, layers: tuple[Layer, ...] = LIMITS) -> Attack:
    return Attack(name, KIND, what, Success.TAKES, layers, (f"{HOLD}\n{code}",))


def _taken(name: str, what: str, code: str, layers: tuple[Layer, ...] = LIMITS) -> Attack:
    return Attack(name, KIND, what, Success.TAKES, layers, (code,))


def _tried(name: str, what: str, code: str, layers: tuple[Layer, ...] = LIMITS) -> Attack:
    return Attack(name, KIND, what, Success.SAYS, layers, (code,))


ATTACKS = (
    _memory(
        "heap",
        "allocate half as much again as the memory that was granted",
        """
def attack():
    kept = [np.ones(STEP // 8) for _ in range(SIZE // STEP)]
    full()
""",
    ),
    _memory(
        "shared-pages",
        "the same in pages that are shared",
        """
def attack():
    room = mmap.mmap(-1, SIZE)
    for at in range(0, SIZE, STEP):
        room[at:at + STEP] = b"x" * STEP
    full()
""",
    ),
    _memory(
        "memory-file",
        "the same in files of memory, written and never mapped",
        """
def attack():
    for _ in range(SIZE // STEP):
        os.write(syscall("memfd_create", b"hoard", 0), b"x" * STEP)
    full()
""",
        (Layer.SECCOMP, Layer.LIMITS),
    ),
    _memory(
        "memory-in-flight",
        "the same in messages that nobody takes out of a socket",
        """
def attack():
    import socket
    pairs, sent = [], 0
    while sent < SIZE:
        near, far = socket.socketpair()
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        near.setblocking(False)
        pairs.append((near, far))
        try:
            while sent < SIZE:
                sent += near.send(b"x" * (1 << 20))
        except BlockingIOError:
            pass
    full()
""",
    ),
    _memory(
        "memory-in-pipes",
        "the same in pipes that nobody empties",
        """
def attack():
    import fcntl
    pipes, sent = [], 0
    while sent < SIZE:
        near, far = os.pipe()
        try:
            fcntl.fcntl(far, 1031, 1 << 20)
        except PermissionError:
            pass
        os.set_blocking(far, False)
        pipes.append((near, far))
        try:
            while sent < SIZE:
                sent += os.write(far, b"x" * (1 << 20))
        except BlockingIOError:
            pass
    full()
""",
    ),
    _memory(
        "memory-in-page-tables",
        "the same in the tables of pages that are all the one page of zeros",
        """
def attack():
    LIBC.mmap.restype = ctypes.c_void_p
    words = [ctypes.c_void_p(0), ctypes.c_size_t(SIZE // 4096 << 21), 1, 0x4022, -1, ctypes.c_long(0)]
    place = LIBC.mmap(*words)
    LIBC.madvise(ctypes.c_void_p(place), words[1], 15)
    for at in range(place, place + (SIZE // 4096 << 21), 1 << 21):
        ctypes.c_char.from_address(at).value
    full()
""",
    ),
    _memory(
        "memory-for-a-moment",
        "the same, given back before anybody looks",
        """
def attack():
    kept = np.ones(SIZE // 8)
    del kept
    breach()
""",
    ),
    _memory(
        "memory-disk",
        "the same in files of a file system in memory",
        """
def attack():
    for number in range(SIZE // STEP):
        for folder in ("/dev/shm", "/run/shm", "/dev", "/run"):
            try:
                with open(f"{folder}/{HOST['nonce']}-{number}", "wb") as file:
                    file.write(b"x" * STEP)
                break
            except OSError:
                continue
        else:
            return
    full()
""",
    ),
    _memory(
        "thread-stacks",
        "the same in the stacks of threads",
        """
def attack():
    import threading
    threading.stack_size(32 << 20)
    go = threading.Event()
    def deep():
        room = (ctypes.c_char * (16 << 20))()
        ctypes.memset(room, 1, 16 << 20)
        go.wait(1.5)
    for _ in range(SIZE // (16 << 20)):
        threading.Thread(target=deep, daemon=True).start()
    full()
""",
    ),
    _taken(
        "disk",
        "fill the scratch folder with files that are each small enough",
        """
        def attack():
            import time
            for number in range(12):
                with open(f"file{number}", "wb") as file:
                    file.write(b"x" * (HOST["scratch"] // 2))
            time.sleep(0.8)
            breach()
        """,
    ),
    _taken(
        "disk-without-name",
        "fill it with files that have no name any more",
        """
        def attack():
            import time
            kept = []
            for number in range(12):
                file = open("file", "wb", 0)
                file.write(b"x" * (HOST["scratch"] // 2))
                os.unlink("file")
                kept.append(file)
            time.sleep(0.8)
            breach()
        """,
    ),
    _taken(
        "artifact-too-large",
        "save a model that is too large",
        """
        def finish(state): return {**state, "large": bytes(3 * HOST["artifact"])}
        def on_predict(X, state): breach()
        """,
    ),
    _taken(
        "sparse-file",
        "make a file of a terabyte that holds nothing",
        """
        def attack():
            with open("sparse", "wb") as file:
                file.truncate(1 << 40)
            breach()
        """,
    ),
    _taken(
        "files-without-number",
        "make files without end, each of them empty",
        """
        def attack():
            os.mkdir("many")
            place = os.open("many", os.O_DIRECTORY)
            for number in range(105_000):
                os.mknod(str(number), 0o100600, dir_fd=place)
            breach()
        """,
    ),
    _taken(
        "folders-in-folders",
        "make folders so deep that they cannot be walked",
        """
        def attack():
            import time
            for _ in range(1900):
                os.mkdir("d")
                os.chdir("d")
            time.sleep(0.6)
            breach()
        """,
    ),
    _taken(
        "unreadable-folder",
        "fill a folder that may not be read",
        """
        def attack():
            import time
            os.mkdir("closed")
            for number in range(12):
                with open(f"closed/{number}", "wb") as file:
                    file.write(b"x" * (HOST["scratch"] // 2))
            os.chmod("closed", 0)
            time.sleep(0.8)
            breach()
        """,
    ),
    _tried(
        "descriptors",
        "open twenty thousand files",
        """
        def attack():
            near, _ = os.pipe()
            for _ in range(20_000):
                os.dup(near)
            breach()
        """,
    ),
    Attack(
        "output-flood",
        KIND,
        "print more than any disk holds",
        Success.MARKS,
        LIMITS,
        (
            """
        def attack():
            line = b"flood " * 10_000
            for _ in range(600):
                os.write(1, line)
        """,
        ),
    ),
    _tried(
        "sleeper",
        "sleep past the budget",
        """
        def attack():
            import time
            time.sleep(2 * HOST["budget"])
            breach()
        """,
    ),
    _tried(
        "busy-and-deaf",
        "compute past the budget, deaf to signals, with the clock turned back",
        """
        def attack():
            import signal, time
            for number in range(1, 32):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            began, now = time.monotonic(), time.monotonic
            time.time = time.monotonic = time.perf_counter = lambda: 0.0
            while now() - began < 2 * HOST["budget"]:
                pass
            breach()
        """,
    ),
    _tried(
        "stopped-itself",
        "stop, so that nothing is used but time",
        """
        def attack():
            import signal
            os.kill(os.getpid(), signal.SIGSTOP)
        """,
    ),
    _tried(
        "training-in-predict",
        "go on with the training when predicting",
        """
        def on_predict(X, state):
            import time
            end = time.monotonic() + 2 * HOST["budget"]
            while time.monotonic() < end:
                np.ones(1000).sum()
            breach()
        """,
    ),
    _tried(
        "clock-set",
        "change the machine's clock",
        """
        def attack():
            import struct
            now = ctypes.create_string_buffer(208)
            syscall("adjtimex", now)
            tick = struct.unpack_from("l", now, 88)[0]
            struct.pack_into("I", now, 0, 0x4000)
            struct.pack_into("l", now, 88, tick)
            if HOST["root"]:
                syscall("adjtimex", now)
                breach(tick)
        """,
        (Layer.NAMESPACES, Layer.SECCOMP),
    ),
)
