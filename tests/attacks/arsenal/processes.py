"""Attacks that start processes: many, for ever, or other programs."""

from __future__ import annotations

from ..attack import Attack, Layer, Success

KIND = "processes"
DENIED = (Layer.SECCOMP,)


ALLOWED = {
    *("fork-bomb", "raw-clones", "clone-without-signal", "pip-run", "exec-in-place", "workers"),
    *("exec-without-file", "exec-from-scratch", "loader-run"),
}
"""With the doors of the sandbox marker open these are no attacks."""


def _tried(name: str, what: str, code: str, success: Success = Success.SAYS) -> Attack:
    return Attack(name, KIND, what, success, DENIED, (code,), allowed=name in ALLOWED)


ATTACKS = (
    _tried(
        "fork-bomb",
        "fork until the machine is full (here: 60 times)",
        """
        def attack():
            for number in range(60):
                if os.fork() == 0:
                    import time
                    time.sleep(20)
                    os._exit(0)
                if number == 59:
                    breach("60 processes")
        """,
    ),
    _tried(
        "daemon",
        "leave the session by a double fork and go on after the end",
        """
        def attack():
            import time
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    for _ in range(200):
                        attempt(mark, HOST["base"] + "/daemon")
                        time.sleep(0.05)
                os._exit(0)
            time.sleep(0.1)
        """,
        Success.MARKS,
    ),
    _tried(
        "raw-clones",
        "make processes past the C library",
        """
        def attack():
            for name, arguments in (("fork", ()), ("clone", (17, 0, 0, 0, 0))):
                try:
                    if syscall(name, *arguments) == 0:
                        os._exit(0)
                    breach(name)
                except OSError as error:
                    say(f"stopped by {error}")
        """,
    ),
    _tried(
        "newest-clone",
        "make a process by the call whose flags no filter can read",
        """
        def attack():
            import struct
            flags = struct.pack("11Q", 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0)
            if syscall("clone3", flags, 64) == 0:
                os._exit(0)
            breach()
        """,
    ),
    _tried(
        "clone-without-signal",
        "make a process that its parent does not hear of, sharing memory and files",
        """
        def attack():
            if syscall("clone", 0x400 | 0x200, 0, 0, 0, 0) == 0:
                os._exit(0)
            breach()
        """,
    ),
    Attack(
        "old-calls",
        KIND,
        "fork by the system calls of 32 bits, which have other numbers",
        Success.SAYS,
        DENIED,
        (
            """
            def attack():
                if platform.machine() != "x86_64":
                    return
                import mmap
                code = mmap.mmap(-1, 4096, prot=7)
                # mov eax, 20 (getpid); int 0x80; ret
                code.write(bytes.fromhex("b814000000cd80c3"))
                run = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
                if run() > 0:
                    breach()
            """,
        ),
    ),
    _tried(
        "x32-calls",
        "use the third set of system calls of this machine",
        """
        def attack():
            found = LIBC.syscall(ctypes.c_long(0x40000000 + 39))
            if platform.machine() == "x86_64" and found > 0:
                breach(found)
            found = LIBC.syscall(ctypes.c_long(0x40000000 + 57))
            if platform.machine() == "x86_64" and found > 0:
                breach(found)
        """,
    ),
    _tried(
        "shell",
        "run a shell",
        """
        def attack():
            os.system("echo '# BREACH shell' >> " + HOST["home"] + "/.bash_history")
        """,
        Success.MARKS,
    ),
    Attack(
        "git-run",
        KIND,
        "have git show the labels",
        Success.WINS,
        (*DENIED, Layer.NAMESPACES, Layer.LANDLOCK),
        (
            """
            def attack():
                import subprocess
                command = ["git", "-c", "safe.directory=*", "-C", HOST["repo"], "log", "-p", "--all"]
                shown = subprocess.run(command, capture_output=True, timeout=3, check=False).stdout
                take(shown.replace(b"\\n-", b"\\n").replace(b"\\n+", b"\\n"))
            """,
        ),
    ),
    _tried(
        "pip-run",
        "install a package",
        """
        def attack():
            import subprocess
            command = [sys.executable, "-c", "print('ran')"]
            if b"ran" in subprocess.run(command, capture_output=True, timeout=3, check=False).stdout:
                breach()
        """,
    ),
    _tried(
        "exec-in-place",
        "become another program, whose end looks like a good one",
        """
        def attack():
            os.write(1, b"")
            os.execv("/bin/sh", ["sh", "-c", "echo BREACH " + NAME])
        """,
    ),
    _tried(
        "exec-without-file",
        "run a program that lies in memory only",
        """
        def attack():
            place = syscall("memfd_create", b"program", 0)
            os.write(place, b"#!/bin/sh\\necho BREACH " + NAME.encode())
            os.execve(place, ["program"], {})
        """,
    ),
    _tried(
        "exec-from-scratch",
        "run a program written into the scratch folder",
        """
        def attack():
            with open("program", "w") as file:
                file.write("#!/bin/sh\\necho BREACH " + NAME)
            os.chmod("program", 0o755)
            import subprocess
            attempt(lambda: subprocess.run(["./program"], timeout=3))
            attempt(lambda: os.posix_spawn("./program", ["program"], {}))
            import time
            time.sleep(0.1)
        """,
    ),
    _tried(
        "loader-run",
        "have the dynamic loader run a program that may not be run",
        """
        def attack():
            import glob
            for loader in glob.glob("/lib64/ld-*") + glob.glob("/lib/ld-*"):
                os.execv(loader, [loader, "/bin/echo", "BREACH", NAME])
        """,
    ),
    _tried(
        "workers",
        "start workers as multiprocessing does",
        """
        def attack():
            import multiprocessing
            for way in ("fork", "spawn", "forkserver"):
                attempt(start, multiprocessing.get_context(way))
        def start(context):
            worker = context.Process(target=os.getpid)
            worker.start()
            breach(worker.pid)
            worker.kill()
            worker.join()
        """,
    ),
)
