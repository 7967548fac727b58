"""What a process may do beside its own business: nothing; see capabilities(7)."""

from __future__ import annotations

import contextlib
import ctypes
import resource
import struct
from collections.abc import Mapping

from . import linux

CAPABILITY_VERSION = 0x20080522
LAST_CAPABILITY = 63
KEEP_NONE = 0b11101111
"""Root gets no capabilities by being root, keeps none, raises none, and all of that for good."""


def drop() -> None:
    """Give up every capability, and the way to any: no program gives rights any more."""
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    with contextlib.suppress(OSError):
        # Without the capability to do this there is none to lose.
        linux.prctl(linux.PR_SET_SECUREBITS, KEEP_NONE)
    for number in range(LAST_CAPABILITY + 1):
        with contextlib.suppress(OSError):
            linux.prctl(linux.PR_CAPBSET_DROP, number)
    with contextlib.suppress(OSError):
        linux.prctl(linux.PR_CAP_AMBIENT, linux.PR_CAP_AMBIENT_CLEAR_ALL)
    header = struct.pack("=Ii", CAPABILITY_VERSION, 0)
    nothing = struct.pack("=6I", *[0] * 6)
    linux.checked(
        linux.libc.capset(ctypes.c_char_p(header), ctypes.c_char_p(nothing)), "drop capabilities"
    )


def limit(limits: Mapping[int, int]) -> None:
    """Set resource limits, for good; what is lower already stays."""
    for kind, value in limits.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
