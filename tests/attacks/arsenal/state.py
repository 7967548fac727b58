"""Attacks that carry something from one experiment, or one process, to the next."""

from __future__ import annotations

from ..attack import Attack, Layer, Success

KIND = "state"
FILES = (Layer.NAMESPACES, Layer.LANDLOCK)
KEYS = (Layer.NAMESPACES, Layer.SECCOMP)

HOARD = """
def hoard(path):
    with open(path, "w") as file:
        file.write("hoarded " + NAME)
def attack():
    for place in places():
        attempt(hoard, place + "/hoard-" + HOST["nonce"])
"""
LOOK = """
def attack():
    for place in places():
        path = place + "/hoard-" + HOST["nonce"]
        if os.path.exists(path) and NAME in open(path).read():
            breach(path)
            os.unlink(path)
"""


def _hoarded(name: str, what: str, places: str) -> Attack:
    where = f"def places(): return {places}\n"
    return Attack(name, KIND, what, Success.SAYS, FILES, (where + HOARD, where + LOOK))


ATTACKS = (
    _hoarded("state-in-tmp", "save the model in /tmp for the next", '["/tmp", "/var/tmp"]'),
    _hoarded("state-in-shm", "save the model in /dev/shm for the next", '["/dev/shm", "/run"]'),
    _hoarded("state-in-home", "save the model at home for the next", '[HOST["home"]]'),
    _hoarded(
        "state-beside-scratch",
        "save it above the scratch folder and beside the own tree",
        '[os.getcwd() + "/..", os.getcwd() + "/../..", os.path.dirname(__file__) + "/.."]',
    ),
    _hoarded("state-in-scratch", "save it in the scratch folder itself", "[os.getcwd()]"),
    Attack(
        "state-in-sysv-memory",
        KIND,
        "save it in shared memory that outlives the process",
        Success.SAYS,
        KEYS,
        (
            """
            def attack(): syscall("shmget", HOST["key"] + 1, 4096, 0o1600)
            """,
            """
            def attack():
                place = syscall("shmget", HOST["key"] + 1, 0, 0)
                breach(place)
                syscall("shmctl", place, 0, 0)
            """,
        ),
    ),
    Attack(
        "state-in-semaphores",
        KIND,
        "save it in semaphores that outlive the process",
        Success.SAYS,
        KEYS,
        (
            """
            def attack(): syscall("semget", HOST["key"] + 2, 8, 0o1600)
            """,
            """
            def attack():
                place = syscall("semget", HOST["key"] + 2, 0, 0)
                breach(place)
                LIBC.semctl(place, 0, 0)
            """,
        ),
    ),
    Attack(
        "state-in-message-queue",
        KIND,
        "save it in a message queue that outlives the process",
        Success.SAYS,
        KEYS,
        (
            """
            def attack():
                queue = LIBC.mq_open(("/" + HOST["nonce"]).encode(), os.O_CREAT | os.O_RDWR, 0o600, None)
                if queue < 0:
                    raise OSError(ctypes.get_errno(), "mq_open")
            """,
            """
            def attack():
                if LIBC.mq_open(("/" + HOST["nonce"]).encode(), os.O_RDWR) >= 0:
                    breach()
                    LIBC.mq_unlink(("/" + HOST["nonce"]).encode())
            """,
        ),
    ),
    Attack(
        "state-in-keyring",
        KIND,
        "save it in the kernel's keyrings",
        Success.SAYS,
        KEYS,
        (
            """
            def attack():
                for ring in (-3, -4, -5):
                    attempt(syscall, "add_key", b"user", (HOST["nonce"] + "s").encode(), b"state", 5, ring)
            """,
            """
            def attack():
                for ring in (-3, -4, -5):
                    try:
                        key = syscall("keyctl", 10, ring, b"user", (HOST["nonce"] + "s").encode(), 0)
                        breach(ring)
                        syscall("keyctl", 9, key, ring)
                    except OSError as error:
                        say(f"stopped by {error}")
            """,
        ),
    ),
    Attack(
        "state-in-a-daemon",
        KIND,
        "leave a process behind that hands the model to the next experiment",
        Success.SAYS,
        (Layer.SECCOMP, Layer.NAMESPACES, Layer.LIMITS),
        (
            """
            def attack():
                import time
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        LIBC.prctl(15, (HOST["comm"] + "d").encode(), 0, 0, 0)
                        attempt(serve)
                        time.sleep(20)
                    os._exit(0)
                time.sleep(0.1)
            def serve():
                import socket
                link = socket.socket(socket.AF_UNIX)
                link.bind(chr(0) + HOST["nonce"] + "daemon")
                link.listen()
            """,
            """
            def attack():
                import socket
                for who in os.listdir("/proc"):
                    if who.isdigit() and HOST["comm"] + "d" in (attempt(read, f"/proc/{who}/comm") or b"").decode():
                        breach(who)
                link = socket.socket(socket.AF_UNIX)
                link.connect(chr(0) + HOST["nonce"] + "daemon")
                breach("connected")
            """,
        ),
    ),
    Attack(
        "zygote-memory",
        KIND,
        "write into the memory of the process that all others are forked from",
        Success.SAYS,
        FILES,
        (
            """
            def attack():
                place = id(sys.float_info)
                for who in (os.getppid(), HOST["judge"]):
                    try:
                        with open(f"/proc/{who}/mem", "r+b", 0) as memory:
                            memory.seek(place)
                            memory.write(memory.read(0))
                            breach(who)
                    except OSError as error:
                        say(f"stopped by {error}")
            """,
        ),
    ),
    Attack(
        "zygote-patched",
        KIND,
        "change modules that the next process will be forked with",
        Success.SAYS,
        (Layer.BOUNDARY,),
        (
            """
            def attack():
                import gc, json, pickle
                np.float64_hoard = NAME
                json.loads.__defaults__ = ()
                sys.modules["hoard"] = sys.modules[__name__]
                os.environ["HOARD"] = NAME
                for one in gc.get_objects():
                    if type(one) is dict and one.get("__name__") == "struct":
                        one["hoard"] = NAME
            """,
            """
            def attack():
                if hasattr(np, "float64_hoard") or "hoard" in sys.modules or "HOARD" in os.environ:
                    breach()
            """,
        ),
    ),
    Attack(
        "arguments-written",
        KIND,
        "write into the arrays that the next experiment, and the judge, will get",
        Success.SAYS,
        (Layer.BOUNDARY,),
        (
            """
            def on_fit(X, y):
                import mmap
                X[:], y[:] = 12345.0, 12345.0
                for fd in range(3, 256):
                    try:
                        size = os.fstat(fd).st_size
                    except OSError:
                        continue
                    attempt(os.ftruncate, fd, size + 4096)
                    attempt(os.pwrite, fd, b"\\0" * 64, 0)
                    attempt(lambda: mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_WRITE).write(b"\\0" * 64))
                    attempt(lambda: mark(f"/proc/self/fd/{fd}"))
            """,
            """
            def on_fit(X, y):
                if (X == 12345.0).any() or (y == 12345.0).any() or not X[:8].any():
                    breach()
            """,
        ),
    ),
    Attack(
        "predict-writes-artifact",
        KIND,
        "keep state in the fitted model from one chunk of predictions to the next",
        Success.SAYS,
        (*FILES, Layer.SPLIT),
        (
            """
            def on_predict(X, state):
                folder = frames("obey")["order"]["artifact"]
                mine = folder + "/chunk"
                if os.path.exists(mine):
                    breach("seen")
                for path in (mine, folder + "/state.pickle"):
                    attempt(lambda path=path: os.chmod(folder, 0o755))
                    attempt(openable, path, os.O_CREAT | os.O_RDWR)
            """,
        ),
    ),
    Attack(
        "chunk-to-chunk",
        KIND,
        "pass rows from one chunk of predictions to the next",
        Success.SAYS,
        FILES,
        (
            """
            def on_predict(X, state):
                artifact = frames("obey")["order"]["artifact"]
                for place in ("/tmp", "/dev/shm", os.getcwd() + "/..", os.path.dirname(__file__), artifact):
                    path = place + "/chunk-" + HOST["nonce"]
                    if os.path.exists(path):
                        breach(path)
                        attempt(os.unlink, path)
                    else:
                        attempt(mark_there, path)
            def mark_there(path):
                with open(path, "w") as file:
                    file.write("rows")
            """,
        ),
    ),
)
