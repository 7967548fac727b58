"""Attacks on the judge as a process: signals, limits, priorities, tracing."""

from __future__ import annotations

from ..attack import Attack, Layer, Success

KIND = "signals"
PINNED = (Layer.NAMESPACES, Layer.SECCOMP)
LOST = "it would end the search"


def _signalled(name: str, what: str, code: str) -> Attack:
    """The judge notes the signals that it gets."""
    setup = "import signal\nJUDGE, USR2 = HOST['judge'], signal.SIGUSR2\n"
    return Attack(name, KIND, what, Success.MARKS, PINNED, (f"{setup}def attack(): {code}",))


def _tried(name: str, what: str, code: str, off: str = "") -> Attack:
    setup = "import resource, signal\nJUDGE = HOST['judge']\n"
    return Attack(name, KIND, what, Success.SAYS, PINNED, (f"{setup}{code}",), off=off)


ATTACKS = (
    _signalled("signal", "send the judge a signal", "os.kill(JUDGE, USR2)"),
    _signalled(
        "signal-to-thread", "send it to a thread", 'syscall("tgkill", JUDGE, JUDGE, int(USR2))'
    ),
    _signalled(
        "signal-queued",
        "send it with a value",
        'syscall("rt_sigqueueinfo", JUDGE, int(USR2), (ctypes.c_int * 32)(int(USR2), 0, -1))',
    ),
    _signalled(
        "signal-by-descriptor",
        "send it by a descriptor of the process",
        'syscall("pidfd_send_signal", syscall("pidfd_open", JUDGE, 0), int(USR2), 0, 0)',
    ),
    _signalled(
        "signal-to-group",
        "send it to the judge's group",
        "os.kill(-HOST['judge'], USR2)",
    ),
    Attack(
        "signal-by-file",
        KIND,
        "have the kernel send it when a file becomes readable",
        Success.MARKS,
        (Layer.NAMESPACES, Layer.SECCOMP, Layer.LANDLOCK),
        (
            """
            def attack():
                import fcntl, signal, struct, time
                near, far = os.pipe()
                attempt(fcntl.fcntl, near, fcntl.F_SETOWN, HOST["judge"])
                attempt(fcntl.fcntl, near, 15, struct.pack("ii", 1, HOST["judge"]))
                fcntl.fcntl(near, 10, int(signal.SIGUSR2))
                fcntl.fcntl(near, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
                os.write(far, b"x")
                time.sleep(0.05)
            """,
        ),
    ),
    _tried(
        "judge-killed",
        "kill the judge and all that one can reach",
        "def attack():\n"
        "    for who in (JUDGE, -JUDGE):\n"
        "        attempt(os.kill, who, signal.SIGKILL)\n"
        "    os.kill(JUDGE, 0)\n    breach()",
        LOST,
    ),
    _tried(
        "judge-frozen",
        "stop the judge",
        "def attack():\n    os.kill(JUDGE, signal.SIGSTOP)\n    breach()",
        LOST,
    ),
    Attack(
        "everybody-signalled",
        KIND,
        "signal every process that one may",
        Success.MARKS,
        PINNED,
        ("""def attack(): os.kill(-1, 23)""",),
        off="it would signal every process of the machine",
    ),
    _tried(
        "watchers-signalled",
        "signal the processes that watch this one",
        "def attack():\n"
        "    for who in {os.getppid()} - {0}:\n"
        "        os.kill(who, signal.SIGURG)\n        breach(who)",
    ),
    _tried(
        "judge-limited",
        "lower the judge's limits, so that its own work kills it",
        "def attack():\n"
        "    now = resource.prlimit(JUDGE, resource.RLIMIT_NOFILE)\n"
        "    breach('read')\n"
        "    resource.prlimit(JUDGE, resource.RLIMIT_NOFILE, now)",
    ),
    _tried(
        "judge-moved",
        "put the judge onto one processor",
        "def attack():\n    os.sched_setaffinity(JUDGE, os.sched_getaffinity(JUDGE))\n    breach()",
    ),
    _tried(
        "judge-slowed",
        "make the judge the last to be served",
        "def attack():\n"
        "    attempt(lambda: breach(os.setpriority(os.PRIO_PROCESS, JUDGE, os.getpriority(0, JUDGE))))\n"
        "    attempt(lambda: breach(os.sched_setscheduler(JUDGE, 0, os.sched_param(0))))\n"
        "    attempt(lambda: breach(syscall('ioprio_set', 1, JUDGE, 0)))",
    ),
    _tried(
        "own-priority",
        "be served before everybody else",
        "def attack():\n"
        "    if os.getuid() == 0 or HOST['root']:\n"
        "        attempt(lambda: breach(os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))))\n"
        "        attempt(lambda: breach(os.setpriority(os.PRIO_PROCESS, 0, -5)))",
    ),
    _tried(
        "judge-traced",
        "trace the judge",
        "def attack():\n"
        "    for who in (JUDGE, os.getppid()):\n"
        "        attempt(lambda: breach(syscall('ptrace', 0x4206, who, 0, 0)))",
    ),
    _tried(
        "judge-first-to-go",
        "make the judge the first that the kernel kills when memory is short",
        "def attack():\n    openable(f'/proc/{JUDGE}/oom_score_adj')",
    ),
    _tried(
        "judge-memory-moved",
        "push the judge's memory out",
        "def attack():\n"
        "    attempt(openable, f'/proc/{JUDGE}/clear_refs', os.O_WRONLY)\n"
        "    breach(syscall('move_pages', JUDGE, 0, 0, 0, 0, 0))",
    ),
)
