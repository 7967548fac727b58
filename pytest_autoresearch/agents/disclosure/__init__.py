"""What leaves the building: what of a record may be told to an agent that is elsewhere."""

from .telling import (
    ALL,
    CODE,
    ERRORS,
    LEVELS,
    disclosed,
    informed,
    masked_text,
    masked_words,
    shows_analyses,
)

__all__ = [
    "ALL",
    "CODE",
    "ERRORS",
    "LEVELS",
    "disclosed",
    "informed",
    "masked_text",
    "masked_words",
    "shows_analyses",
]
