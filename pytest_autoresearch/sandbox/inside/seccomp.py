"""seccomp: which system calls a process may make; the program is made by libseccomp.

Denied is what no training or prediction needs, and what reaches beyond the process: see seccomp(2) for
the mechanism and the manual page of each call for what it does. Everything else is allowed: libraries
use hundreds of calls, and files, networks and processes have walls of their own.
"""

from __future__ import annotations

import ctypes
import errno
import os
from dataclasses import dataclass

from . import linux

LIBRARY = "libseccomp.so.2"
MACHINES = ("x86_64", "aarch64")
"""Where the first argument of clone(2) is its flags, and where the tests have run the rules."""

ALLOW, KILL_PROCESS, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
BAD_ARCHITECTURE = 2
NOT_EQUAL, MASKED_EQUAL = 1, 7
UNKNOWN = -1
NOTHING_DONE = 0
"""The call says that it went well."""

TRACING = (
    "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_getfd"
)
MOUNTING = (
    "mount umount2 move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick mount_setattr "
    "statmount listmount pivot_root chroot unshare setns"
)
KERNEL = (
    "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register add_key "
    "request_key keyctl kexec_load kexec_file_load init_module finit_module delete_module reboot swapon "
    "swapoff acct quotactl quotactl_fd syslog vhangup personality fanotify_init fanotify_mark "
    "lookup_dcookie modify_ldt iopl ioperm uselib nfsservctl io_setup inotify_init inotify_init1 "
    "inotify_add_watch cachestat"
)
CLOCKS = "settimeofday clock_settime clock_settime64 adjtimex clock_adjtime clock_adjtime64 stime"
NAMES = "sethostname setdomainname open_by_handle_at name_to_handle_at"
PLACEMENT = (
    "migrate_pages move_pages sched_setaffinity sched_setscheduler sched_setparam sched_setattr"
)
MEMORY = (
    "memfd_create memfd_secret shmget shmat shmctl msgget msgsnd msgrcv msgctl semget semop semctl "
    "semtimedop mq_open mq_unlink remap_file_pages vmsplice splice tee"
)
"""Memory that belongs to no process, or that no counter of a process shows: a pipe can hold on to pages."""

DENIED = " ".join((TRACING, MOUNTING, KERNEL, CLOCKS, NAMES, PLACEMENT, MEMORY)).split()

SIGNS = [
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "utime",
    "utimes",
    "utimensat",
    "futimesat",
    "chown",
    "lchown",
    "fchown",
    "fchownat",
]
"""Modes, times and owners. Landlock has no right for them: a process may do them to all files of its user.
Libraries do them to their own files, for good looks, and many give up when they fail: so nothing is done,
and no error given."""

ATTRIBUTES = [
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "setxattrat",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "removexattrat",
    "file_setattr",
]
"""The same, but libraries are used to being refused; they also take room that is not counted."""

NEW = {
    "fchmodat2": 452,
    "cachestat": 451,
    "statmount": 457,
    "listmount": 458,
    "setxattrat": 463,
    "removexattrat": 466,
    "open_tree_attr": 467,
    "file_setattr": 469,
}
"""Calls that libseccomp has no name for before its versions of 2024 and 2025; see `linux`."""

UNKNOWN_CALLS = range(470, 550)
"""Calls that did not exist when these rules were written."""

FILE_SYSTEMS = (*b"fXv", 0x94, 0xF5)
"""The second byte of an ioctl(2) that tells a file system, not a device, to do something: flags, versions
and seals of files, snapshots; ext4, XFS, Btrfs and F2FS. Those of files that can only be read, too."""

LEASES = (1024, 1026)
"""F_SETLEASE, F_NOTIFY: to keep others from a file, and to watch what they do in a folder."""

SOL_SOCKET = 1
BUFFERS = (7, 8, 32, 33)
"""SO_SNDBUF, SO_RCVBUF and the same by force: what waits in a socket is in no process's memory."""

DUMPABLE = 4
"""PR_SET_DUMPABLE: an ordinary user's judge could not measure the process any more."""
SIGNALLING = ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
OTHERS = ("tkill", "pidfd_send_signal")
REACHING = ("setpriority", "ioprio_set")
NAMESPACES = (
    *(0x00000080, linux.CLONE_NEWNS, linux.CLONE_NEWCGROUP, linux.CLONE_NEWUTS, linux.CLONE_NEWIPC),
    *(linux.CLONE_NEWUSER, linux.CLONE_NEWPID, linux.CLONE_NEWNET),
)
CLONE_THREAD = 0x00010000
SIGNAL_OWNERS = (("fcntl", 8), ("fcntl", 10), ("fcntl", 15), ("ioctl", 0x8901), ("ioctl", 0x8902))
"""F_SETOWN, F_SETSIG, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP: a file may send any signal to a process."""

TYPING = (("ioctl", 0x5412), ("ioctl", 0x541C))
"""TIOCSTI and TIOCLINUX: to type into a terminal."""

LOW = 0xFFFFFFFF
AF_UNIX = 1


@dataclass(frozen=True)
class Rules:
    """What differs between tiers and doors.

    ``processes`` and ``execute`` open the doors of the sandbox marker. ``alone`` says that the process
    has a process and a network namespace of its own; ``scoped`` that Landlock keeps its signals to its
    own processes. ``pid`` is its own, the only one that it may signal where neither is so.
    """

    processes: bool
    execute: bool
    alone: bool
    scoped: bool
    pid: int


class _Compare(ctypes.Structure):
    """``struct scmp_arg_cmp`` of seccomp_rule_add(3)."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


class Filter:
    """A program under construction; raises `OSError` when libseccomp cannot make it."""

    def __init__(self) -> None:
        self._library = _library()
        self._context = self._library.seccomp_init(ctypes.c_uint32(ALLOW))
        if not self._context:
            raise OSError(errno.ENOMEM, "seccomp_init")
        self._check(
            self._library.seccomp_attr_set(
                ctypes.c_void_p(self._context),
                ctypes.c_int(BAD_ARCHITECTURE),
                ctypes.c_uint32(KILL_PROCESS),
            ),
            "seccomp_attr_set",
        )

    def deny(
        self, name: str, error: int = errno.EPERM, *conditions: tuple[int, int, int, int]
    ) -> None:
        """A call fails with ``error``; each condition is an argument, an operator and two operands."""
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number == UNKNOWN:
            number = NEW.get(name, UNKNOWN)
        if number == UNKNOWN:
            # A call that this architecture never had.
            return
        self.deny_number(number, name, error, *conditions)

    def deny_number(
        self, number: int, name: str, error: int, *conditions: tuple[int, int, int, int]
    ) -> None:
        """The same for a call of which the number is known."""
        compares = (_Compare * max(1, len(conditions)))(*(_Compare(*one) for one in conditions))
        result = self._library.seccomp_rule_add_array(
            ctypes.c_void_p(self._context),
            ctypes.c_uint32(ERRNO | error),
            ctypes.c_int(number),
            ctypes.c_uint(len(conditions)),
            compares,
        )
        self._check(result, f"seccomp rule for {name}")

    def load(self) -> None:
        """From here on this thread, and whatever it starts, is under the filter."""
        self._check(self._library.seccomp_load(ctypes.c_void_p(self._context)), "seccomp_load")
        self._library.seccomp_release(ctypes.c_void_p(self._context))

    def _check(self, result: int, what: str) -> None:
        if result < 0:
            raise OSError(-result, f"{what}: {os.strerror(-result)}")


def _library() -> ctypes.CDLL:
    if os.uname().machine not in MACHINES:
        raise OSError(errno.ENOSYS, f"no seccomp rules for {os.uname().machine}")
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        raise OSError(errno.ENOENT, f"{LIBRARY} is not installed") from None
    library.seccomp_init.restype = ctypes.c_void_p
    return library


def build(rules: Rules) -> Filter:
    """The filter for a candidate's process."""
    made = Filter()
    for name in DENIED:
        made.deny(name)
    for name, number in (*SIGNAL_OWNERS, *TYPING):
        made.deny(name, errno.EPERM, (1, MASKED_EQUAL, LOW, number))
    for number in UNKNOWN_CALLS:
        made.deny_number(number, f"call {number}", errno.ENOSYS)
    _new_processes(made, rules)
    _sockets(made)
    _files(made)
    made.deny("prctl", errno.EPERM, (0, MASKED_EQUAL, LOW, DUMPABLE))
    if not rules.alone:
        _others(made, rules)
    return made


def _new_processes(made: Filter, rules: Rules) -> None:
    # glibc falls back to clone, whose flags a filter can read.
    made.deny("clone3", errno.ENOSYS)
    for flag in NAMESPACES:
        made.deny("clone", errno.EPERM, (0, MASKED_EQUAL, flag, flag))
    if not rules.processes:
        made.deny("fork", errno.EAGAIN)
        made.deny("vfork", errno.EAGAIN)
        made.deny("clone", errno.EAGAIN, (0, MASKED_EQUAL, CLONE_THREAD, 0))
    if not rules.execute:
        made.deny("execve", errno.EACCES)
        made.deny("execveat", errno.EACCES)


def _sockets(made: Filter) -> None:
    """Pairs of sockets are harmless; a path, even in a folder that is only shown, may lead to a host's socket.

    Processes of one candidate find each other without paths, see `switchboard`.
    """
    made.deny("socket", errno.EACCES)
    made.deny("socketpair", errno.EACCES, (0, NOT_EQUAL, AF_UNIX, 0))
    for option in BUFFERS:
        level = (1, MASKED_EQUAL, LOW, SOL_SOCKET)
        made.deny("setsockopt", NOTHING_DONE, level, (2, MASKED_EQUAL, LOW, option))


def _files(made: Filter) -> None:
    """What can be done through a file that is open, be it for reading only."""
    for number in LEASES:
        made.deny("fcntl", errno.EPERM, (1, MASKED_EQUAL, LOW, number))
    for kind in FILE_SYSTEMS:
        made.deny("ioctl", errno.ENOTTY, (1, MASKED_EQUAL, 0xFF00, kind << 8))
    # It takes room beyond the end of a file, past every limit, at once. C libraries write zeros instead.
    made.deny("fallocate", errno.EOPNOTSUPP)
    # Programs then read and write instead. To a socket it would hand pages that no counter shows.
    made.deny("sendfile", errno.EINVAL)
    # They would have the whole machine's disks written.
    made.deny("sync", NOTHING_DONE)
    made.deny("syncfs", NOTHING_DONE)
    for name in ATTRIBUTES:
        made.deny(name)


def _others(made: Filter, rules: Rules) -> None:
    """Where other processes, and all of the machine's files, are in sight: none may be touched."""
    made.deny("prlimit64", errno.EPERM, (0, NOT_EQUAL, 0, 0))
    for name in REACHING:
        made.deny(name)
    for name in SIGNS:
        made.deny(name, NOTHING_DONE)
    if rules.processes and rules.scoped:
        return
    for name in SIGNALLING:
        made.deny(name, errno.EPERM, (0, NOT_EQUAL, rules.pid, 0))
    for name in OTHERS:
        made.deny(name)
