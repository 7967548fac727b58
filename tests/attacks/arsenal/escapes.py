"""Attacks on the walls themselves: namespaces, mounts, the kernel's rare interfaces."""

from __future__ import annotations

from ..attack import Attack, Layer, Success

KIND = "escapes"
WALLS = (Layer.NAMESPACES, Layer.SECCOMP)
FILES = (Layer.NAMESPACES, Layer.LANDLOCK)


def _tried(name: str, what: str, code: str, layers: tuple[Layer, ...] = WALLS) -> Attack:
    return Attack(name, KIND, what, Success.SAYS, layers, (code,))


def _wins(name: str, what: str, code: str, layers: tuple[Layer, ...] = WALLS) -> Attack:
    return Attack(name, KIND, what, Success.WINS, layers, (code,))


ATTACKS = (
    _tried(
        "new-namespaces",
        "become root in namespaces of one's own",
        """
        def attack():
            for flags in (0x20000, 0x40000000, 0x2000000, 0x8000000, 0x4000000, 0x10000000, 0x20000000, 0x80):
                try:
                    syscall("unshare", flags)
                    breach(hex(flags))
                except OSError as error:
                    say(f"stopped by {error}")
        """,
    ),
    _tried(
        "foreign-namespaces",
        "enter the namespaces of the host",
        """
        def attack():
            for who in (HOST["judge"], os.getppid(), 1):
                for kind in ("mnt", "net", "pid", "user", "ipc"):
                    try:
                        place = os.open(f"/proc/{who}/ns/{kind}", os.O_RDONLY)
                        if os.readlink(f"/proc/{who}/ns/{kind}") != os.readlink(f"/proc/self/ns/{kind}"):
                            breach("open " + kind)
                        syscall("setns", place, 0)
                        breach(kind)
                    except OSError as error:
                        say(f"stopped by {error}")
        """,
    ),
    _tried(
        "mounting",
        "mount something",
        """
        def attack():
            apart()
            os.makedirs("point", exist_ok=True)
            for place in ("point", "/tmp"):
                try:
                    syscall("mount", b"tmpfs", place.encode(), b"tmpfs", 0, 0)
                    breach(place)
                    syscall("umount2", place.encode(), 2)
                except OSError as error:
                    say(f"stopped by {error}")
        """,
    ),
    _tried(
        "mounting-anew",
        "mount something by the new calls",
        """
        def attack():
            attempt(lambda: breach(syscall("fsopen", b"tmpfs", 0)))
            attempt(lambda: breach(syscall("open_tree", -100, b"/", 1)))
            attempt(lambda: breach(syscall("mount_setattr", -100, b"/", 0, bytes(32), 32)))
        """,
    ),
    _tried(
        "made-writable",
        "mount what is read-only anew",
        """
        def attack():
            apart()
            for place in ("/", "/usr", HOST["site"], sys.prefix, os.path.dirname(__file__)):
                try:
                    syscall("mount", 0, place.encode(), 0, 0x20 | 0x1000, 0)
                    path = os.path.join(place, HOST["nonce"])
                    openable(path, os.O_CREAT | os.O_WRONLY)
                    os.unlink(path)
                except OSError as error:
                    say(f"stopped by {error}")
        """,
    ),
    _wins(
        "cover-removed",
        "take away the cover of the hidden folder",
        """
        def attack():
            attempt(syscall, "unshare", 0x10020000)
            for flags in (0, 2):
                for _ in range(3):
                    attempt(syscall, "umount2", HOST["hidden"].encode(), flags)
            take(read(HOST["hidden"] + "/labels.csv"))
        """,
        (Layer.NAMESPACES, Layer.LANDLOCK, Layer.SECCOMP),
    ),
    _wins(
        "root-left",
        "leave the root by chroot, from a folder that stays outside",
        """
        def attack():
            os.makedirs("jail", exist_ok=True)
            here = os.open(".", os.O_DIRECTORY)
            attempt(syscall, "chroot", b"jail")
            os.fchdir(here)
            for _ in range(40):
                os.chdir("..")
            attempt(syscall, "chroot", b".")
            take(read("." + HOST["repo"] + "/data/labels.csv"))
        """,
        (Layer.NAMESPACES, Layer.LANDLOCK, Layer.SECCOMP),
    ),
    _wins(
        "root-by-link",
        "walk out through the links of /proc",
        """
        def attack():
            table = HOST["repo"] + "/data/labels.csv"
            ways = ["/proc/self/root", "/proc/thread-self/root", "/proc/1/root", "/proc/1/cwd/../../../.."]
            ways += [f"/proc/self/fd/{fd}/../../../../../.." for fd in range(16)]
            ways += [f"/proc/{os.getppid()}/root", "/.oldroot", "/oldroot", "/newroot", "/mnt", "/old"]
            for way in ways:
                attempt(lambda way=way: take(read(way + table)))
        """,
        FILES,
    ),
    _wins(
        "file-by-handle",
        "open files by the numbers of a file system",
        """
        def attack():
            import struct
            table = (HOST["repo"] + "/data/labels.csv").encode()
            handle, mount = ctypes.create_string_buffer(struct.pack("Ii", 120, 0) + bytes(120)), ctypes.c_int()
            attempt(syscall, "name_to_handle_at", -100, table, handle, ctypes.byref(mount), 0)
            if struct.unpack_from("I", handle)[0] == 120:
                struct.pack_into("IiII", handle, 0, 8, 1, HOST["inode"], HOST["generation"])
            for place in ("/", "/usr", HOST["site"], "."):
                try:
                    near = os.open(place, os.O_RDONLY)
                    take(os.read(syscall("open_by_handle_at", near, handle, os.O_RDONLY), 1 << 20))
                except OSError as error:
                    say(f"stopped by {error}")
        """,
        (Layer.NAMESPACES, Layer.SECCOMP),
    ),
    _tried(
        "kernel-programs",
        "load a program into the kernel, or a map for it",
        """
        def attack():
            import struct
            breach(syscall("bpf", 0, struct.pack("IIII", 2, 4, 4, 1) + bytes(56), 72))
        """,
    ),
    _tried("page-faults", "handle page faults", 'def attack(): breach(syscall("userfaultfd", 0))'),
    _tried(
        "performance-events",
        "watch the processor's counters",
        """
        def attack():
            import struct
            for who in (0, HOST["judge"]):
                kind = struct.pack("IIQQQQ", 1, 128, 1, 0, 0, 0) + bytes(128 - 40)
                attempt(lambda: breach(syscall("perf_event_open", kind, who, -1, -1, 0)))
        """,
    ),
    _tried(
        "file-events",
        "watch what everybody opens",
        'def attack(): breach(syscall("fanotify_init", 0, 0))',
    ),
    _tried(
        "secret-memory",
        "make memory that no watcher counts",
        'def attack(): breach(syscall("memfd_secret", 0))',
        (Layer.SECCOMP,),
    ),
    _tried(
        "core-pattern",
        "name a program that the kernel runs when something crashes",
        """
        def attack():
            for name in ("core_pattern", "modprobe", "hotplug", "poweroff_cmd", "usermodehelper/bset"):
                attempt(openable, "/proc/sys/kernel/" + name)
        """,
        FILES,
    ),
    _tried(
        "kernel-settings",
        "change settings of the kernel and its devices",
        """
        def attack():
            import glob
            attempt(openable, "/proc/sysrq-trigger", os.O_WRONLY)
            for path in glob.glob("/proc/sys/vm/*") + glob.glob("/proc/sys/fs/*") + glob.glob("/proc/irq/*/smp_*"):
                if os.path.isfile(path):
                    attempt(openable, path)
            attempt(openable, "/sys/kernel/mm/transparent_hugepage/enabled")
        """,
        FILES,
    ),
    _tried(
        "control-groups",
        "leave the group whose limits count",
        """
        def attack():
            import glob
            for path in glob.glob("/sys/fs/cgroup/cgroup.procs") + glob.glob("/sys/fs/cgroup/*/cgroup.procs"):
                attempt(openable, path, os.O_WRONLY)
        """,
        FILES,
    ),
    _tried(
        "machine-renamed",
        "give the machine another name",
        """
        def attack():
            name = os.uname().nodename.encode()
            syscall("sethostname", name, len(name))
            breach(name)
        """,
    ),
    _tried(
        "rights-regained",
        "get back capabilities, or another user's number",
        """
        def attack():
            import struct
            words = [l.split() for l in open("/proc/self/status") if l.startswith(("CapEff", "NoNewPrivs"))]
            found = {one[0]: one[1] for one in words}
            if int(found["CapEff:"], 16) or found["NoNewPrivs:"] != "1":
                breach(found)
            for way in (os.setuid, os.setgid):
                try:
                    way(0 if os.getuid() else 12345)
                    breach(way)
                except OSError as error:
                    say(f"stopped by {error}")
        """,
        (Layer.SECCOMP, Layer.NAMESPACES),
    ),
    _tried(
        "terminal-typed",
        "type into the person's terminal",
        """
        def attack():
            import fcntl
            for path in ("/dev/tty", "/dev/console", "/dev/tty0", "/dev/ptmx"):
                attempt(openable, path)
            breach(fcntl.ioctl(0, 0x5412, b"x"))
        """,
        FILES,
    ),
)
