"""Where untrusted code runs: processes of its own, watched and measured from outside."""

from .answer import Answer
from .budget import Meter
from .files import discard, materialise, size_of
from .job import Job, Result
from .libraries import chosen, libraries
from .payload import Payload, pack
from .session import Sandbox

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
