"""Where untrusted code runs: processes of its own, watched and measured from outside."""

from .handing.answer import Answer
from .handing.files import discard, materialise, size_of
from .handing.job import Job, Result
from .handing.payload import Payload, pack
from .libraries import chosen, libraries
from .session import Sandbox
from .watching.budget import Meter

__all__ = [
    "Answer",
    "Job",
    "Meter",
    "Payload",
    "Result",
    "Sandbox",
    "chosen",
    "discard",
    "libraries",
    "materialise",
    "pack",
    "size_of",
]
