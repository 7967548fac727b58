"""Attacks that look for labels and secrets: by path, through /proc, in memory, in git."""

from __future__ import annotations

from ..attack import Attack, Layer, Success

KIND = "labels"
FILES = (Layer.NAMESPACES, Layer.LANDLOCK)
OTHERS = (Layer.NAMESPACES, Layer.LANDLOCK, Layer.SECCOMP)

ATTACKS = (
    Attack(
        "labels-beside-test",
        KIND,
        "read the table beside the test",
        Success.WINS,
        FILES,
        ("""def attack(): take(read(HOST["repo"] + "/data/labels.csv"))""",),
    ),
    Attack(
        "labels-in-predict",
        KIND,
        "the same in predict",
        Success.WINS,
        FILES,
        ("""def on_predict(X, state): take(read(HOST["repo"] + "/data/labels.csv"))""",),
    ),
    Attack(
        "labels-by-walking-up",
        KIND,
        "look for tables above the own file, the scratch folder and the root",
        Success.WINS,
        FILES,
        (
            """
            def attack():
                import glob
                for start in (__file__, os.getcwd(), "/proc/self/root", "/proc/self/cwd"):
                    for _ in range(6):
                        start = os.path.dirname(os.path.realpath(start))
                        for path in glob.glob(start + "/data/*.csv") + glob.glob(start + "/*/*.csv"):
                            attempt(lambda path=path: take(read(path)))
                take(read(HOST["repo"] + "/data/../data/labels.csv"))
            """,
        ),
    ),
    Attack(
        "hidden-by-path",
        KIND,
        "read labels that lie in the Python environment",
        Success.WINS,
        FILES,
        ("""def attack(): take(read(HOST["hidden"] + "/labels.csv"))""",),
    ),
    Attack(
        "hidden-by-import",
        KIND,
        "import the package that bundles them",
        Success.WINS,
        FILES,
        (
            """
            def attack():
                sys.path.insert(0, HOST["site"])
                import bundled
                take(bundled.load())
            """,
        ),
    ),
    Attack(
        "hidden-by-loader",
        KIND,
        "have a package's loader read them",
        Success.WINS,
        FILES,
        (
            """
            def attack():
                import importlib.machinery
                loader = importlib.machinery.SourceFileLoader("bundled", HOST["hidden"] + "/__init__.py")
                take(loader.get_data(HOST["hidden"] + "/labels.csv"))
            """,
        ),
    ),
    Attack(
        "hidden-by-alias",
        KIND,
        "reach them through a link in the same environment",
        Success.WINS,
        FILES,
        ("""def attack(): take(read(HOST["site"] + "/alias/labels.csv"))""",),
    ),
    Attack(
        "hidden-by-descriptor",
        KIND,
        "reach them from an open folder",
        Success.WINS,
        FILES,
        (
            """
            def attack():
                folder = os.open(HOST["site"], os.O_PATH | os.O_DIRECTORY)
                take(os.read(os.open("bundled/labels.csv", os.O_RDONLY, dir_fd=folder), 1 << 20))
            """,
        ),
    ),
    Attack(
        "hidden-moved",
        KIND,
        "rename or link the folder that is hidden",
        Success.WINS,
        FILES,
        (
            """
            def attack():
                for way in (os.link, os.rename):
                    attempt(way, HOST["hidden"] + "/labels.csv", HOST["site"] + "/moved.csv")
                    attempt(way, HOST["hidden"] + "/labels.csv", os.getcwd() + "/moved.csv")
                for folder in (HOST["site"], os.getcwd()):
                    attempt(lambda folder=folder: take(read(folder + "/moved.csv")))
                attempt(os.rename, HOST["site"] + "/moved.csv", HOST["hidden"] + "/labels.csv")
                attempt(os.unlink, HOST["site"] + "/moved.csv")
            """,
        ),
    ),
    Attack(
        "proc-cwd",
        KIND,
        "reach the repository through the judge's folder in /proc",
        Success.WINS,
        FILES,
        (
            """
            def attack():
                for who in (HOST["judge"], os.getppid(), 1, "self"):
                    for way in (f"/proc/{who}/cwd/data/labels.csv",
                                f"/proc/{who}/root{HOST['repo']}/data/labels.csv"):
                        attempt(lambda way=way: take(read(way)))
            """,
        ),
    ),
    Attack(
        "proc-descriptors",
        KIND,
        "open the judge's descriptors again",
        Success.WINS,
        FILES,
        (
            """
            def attack():
                for who in (HOST["judge"], os.getppid(), 1):
                    for fd in range(3, 64):
                        path = f"/proc/{who}/fd/{fd}"
                        if "labels" in (attempt_quietly(os.readlink, path) or ""):
                            take(read(path))
            def attempt_quietly(function, *arguments):
                try:
                    return function(*arguments)
                except OSError:
                    return None
            """,
        ),
    ),
    Attack(
        "proc-memory",
        KIND,
        "search the judge's memory",
        Success.WINS,
        FILES,
        (
            """
            def attack():
                pages = [line.split() for line in open(f"/proc/{HOST['judge']}/maps")]
                with open(f"/proc/{HOST['judge']}/mem", "rb", 0) as memory:
                    for words in pages:
                        if len(words) > 5 and words[5] != "[heap]" or "r" not in words[1]:
                            continue
                        low, high = (int(one, 16) for one in words[0].split("-"))
                        memory.seek(low)
                        if attempt(lambda: take(memory.read(min(high - low, 1 << 26)))) and len(TABLE) > 300:
                            return
            """,
        ),
    ),
    Attack(
        "proc-environment",
        KIND,
        "read the judge's environment, and everybody's",
        Success.LEAKS,
        FILES,
        (
            """
            def attack():
                take(read(f"/proc/{HOST['judge']}/environ"))
            """,
            """
            def attack():
                for who in os.listdir("/proc"):
                    if who.isdigit():
                        attempt(lambda who=who: take(read(f"/proc/{who}/environ")))
            """,
        ),
    ),
    Attack(
        "own-environment",
        KIND,
        "look for keys in the own environment and the zygote's",
        Success.LEAKS,
        (Layer.ENVIRONMENT,),
        (
            """
            def attack():
                take(repr(dict(os.environ)).encode())
                take(read("/proc/self/environ"))
                take(read(f"/proc/{os.getppid()}/environ"))
            """,
        ),
    ),
    Attack(
        "process-vm",
        KIND,
        "read the judge's memory by system call",
        Success.SAYS,
        OTHERS,
        (
            """
            def attack():
                import struct
                place = 0x400000
                try:
                    place = int(open(f"/proc/{HOST['judge']}/maps").read(12).split("-")[0], 16)
                except OSError as error:
                    say(error)
                room = ctypes.create_string_buffer(64)
                local = struct.pack("PN", ctypes.addressof(room), 64)
                remote = struct.pack("PN", place, 64)
                if syscall("process_vm_readv", HOST["judge"], local, 1, remote, 1, 0) > 0:
                    breach()
            """,
        ),
    ),
    Attack(
        "pidfd-getfd",
        KIND,
        "take a descriptor out of the judge",
        Success.SAYS,
        OTHERS,
        (
            """
            def attack():
                for who in (HOST["judge"], os.getppid()):
                    try:
                        breach(syscall("pidfd_getfd", syscall("pidfd_open", who, 0), 0, 0))
                    except OSError as error:
                        say(f"stopped by {error}")
            """,
        ),
    ),
    Attack(
        "descriptors-kcmp",
        KIND,
        "compare kernel objects with the judge's",
        Success.SAYS,
        OTHERS,
        ("""def attack(): breach(syscall("kcmp", HOST["judge"], HOST["judge"], 0, 1, 1))""",),
    ),
    Attack(
        "frames-and-gc",
        KIND,
        "search frames and all objects for arrays that are not the own arguments",
        Success.WINS,
        (Layer.BOUNDARY, Layer.SPLIT),
        (
            """
            def on_predict(X, state):
                import gc
                found = []
                frame = sys._getframe()
                while frame:
                    found += [v for v in frame.f_locals.values() if isinstance(v, np.ndarray)]
                    frame = frame.f_back
                found += [one for one in gc.get_objects() if isinstance(one, np.ndarray)]
                for one in found:
                    if one.shape == (len(X),) and one.dtype.kind == "f":
                        if not any(np.array_equal(one, column) for column in X.T):
                            return one
            """,
        ),
    ),
    Attack(
        "labels-in-predict-memory",
        KIND,
        "look in predict for the labels that fit was given, in shared memory and open files",
        Success.SAYS,
        (Layer.SPLIT,),
        (
            """
            def on_fit(X, y):
                return -np.asarray(y)[:3]
            def on_predict(X, state):
                wanted = (-state).tobytes()
                for fd in range(3, 256):
                    try:
                        size = os.fstat(fd).st_size
                        if size and wanted in os.pread(fd, min(size, 1 << 26), 0):
                            breach(fd)
                    except OSError:
                        pass
                for line in open("/proc/self/maps"):
                    words = line.split()
                    if len(words) > 5 and ("memfd" in words[5] or "deleted" in line):
                        low, high = (int(one, 16) for one in words[0].split("-"))
                        if wanted in ctypes.string_at(low, high - low):
                            breach(line)
            """,
        ),
    ),
    Attack(
        "inherited-descriptors",
        KIND,
        "use what the parents left open: folders, files, sockets",
        Success.SAYS,
        (Layer.BOUNDARY,),
        (
            """
            def attack():
                import stat
                for fd in range(3, 1024):
                    try:
                        kind = os.fstat(fd).st_mode
                    except OSError:
                        continue
                    if stat.S_ISDIR(kind):
                        os.stat("..", dir_fd=fd)
                        breach(f"folder {fd}")
                    if stat.S_ISREG(kind):
                        where = os.readlink(f"/proc/self/fd/{fd}")
                        if "memfd" not in where and "deleted" not in where:
                            breach(where)
            def on_predict(X, state):
                attack()
            """,
        ),
    ),
    Attack(
        "git-objects",
        KIND,
        "read the labels out of git's history",
        Success.WINS,
        FILES,
        (
            """
            def attack():
                import glob, zlib
                for path in glob.glob(HOST["repo"] + "/.git/objects/??/*"):
                    take(zlib.decompress(read(path)))
                take(read(HOST["repo"] + "/.git/HEAD"))
            """,
        ),
    ),
    Attack(
        "home-secrets",
        KIND,
        "read the person's keys",
        Success.LEAKS,
        FILES,
        (
            """
            def attack():
                for name in ("/.ssh/id_ed25519", "/.netrc", "/.git-credentials"):
                    attempt(lambda name=name: take(read(HOST["home"] + name)))
            """,
        ),
    ),
    Attack(
        "secret-in-an-error",
        KIND,
        "raise an exception whose text is a secret",
        Success.LEAKS,
        FILES,
        ("""def finish(state): raise ValueError(read(HOST["home"] + "/.netrc").decode())""",),
    ),
    Attack(
        "labels-in-shared-places",
        KIND,
        "read a copy that somebody left in /tmp or /dev/shm",
        Success.WINS,
        FILES,
        (
            """
            def attack():
                attempt(lambda: take(read(HOST["tmp"] + "-labels.csv")))
                attempt(lambda: take(read(HOST["shm"] + "-labels.csv")))
            """,
        ),
    ),
    Attack(
        "labels-in-sysv-memory",
        KIND,
        "attach the host's shared memory by its key",
        Success.WINS,
        OTHERS,
        (
            """
            def attack():
                LIBC.shmat.restype = ctypes.c_void_p
                place = syscall("shmget", HOST["key"], 0, 0)
                take(ctypes.string_at(syscall("shmat", place, 0, 0o10000), 65536))
            """,
        ),
    ),
    Attack(
        "keyring",
        KIND,
        "read the person's keyring",
        Success.LEAKS,
        (Layer.NAMESPACES, Layer.SECCOMP),
        (
            """
            def attack():
                room = ctypes.create_string_buffer(256)
                for ring in (-4, -3, -5):
                    try:
                        key = syscall("keyctl", 10, ring, b"user", HOST["nonce"].encode(), 0)
                        syscall("keyctl", 11, key, room, 256)
                        take(room.raw)
                    except OSError as error:
                        say(f"stopped by {error}")
            """,
        ),
    ),
    Attack(
        "raw-disk",
        KIND,
        "read the disk, or the machine's memory, past every file system",
        Success.SAYS,
        (Layer.NAMESPACES, Layer.LANDLOCK),
        (
            """
            def attack():
                import glob
                names = ["/dev/mem", "/dev/port", "/proc/kcore", "/dev/kmsg", "/dev/fuse", "/dev/kvm"]
                for path in names + glob.glob("/dev/[svn][dv]*") + glob.glob("/dev/nvme*"):
                    attempt(openable, path, os.O_RDONLY)
            """,
        ),
    ),
    Attack(
        "device-made",
        KIND,
        "make a node for the disk that the repository lies on",
        Success.SAYS,
        (Layer.NAMESPACES, Layer.LANDLOCK),
        (
            """
            def attack():
                import stat
                for folder in (".", "/dev", "/dev/shm", "/tmp"):
                    place = f"{folder}/{HOST['nonce']}-node"
                    for kind in (stat.S_IFBLK, stat.S_IFCHR):
                        try:
                            os.mknod(place, kind | 0o600, HOST["device"])
                            os.unlink(place)
                            breach(place)
                        except OSError as error:
                            say(f"stopped by {error}")
            """,
        ),
    ),
    Attack(
        "kernel-log",
        KIND,
        "read the kernel's log",
        Success.SAYS,
        (Layer.NAMESPACES, Layer.SECCOMP),
        (
            """
            def attack():
                if syscall("syslog", 3, ctypes.create_string_buffer(4096), 4096) > 0:
                    breach()
            """,
        ),
    ),
    Attack(
        "side-table-written",
        KIND,
        "write into the data that the candidate may read",
        Success.SAYS,
        FILES,
        (
            """
            def attack():
                openable(HOST["side"] + "/side.csv")
                openable(HOST["side"] + "/more.csv", os.O_CREAT | os.O_WRONLY)
                os.unlink(HOST["side"] + "/more.csv")
            """,
        ),
    ),
)
