"""How values are written in the style of a file, and how its bytes change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from .known.knobs import Value


@dataclass(frozen=True)
class Edit:
    """The bytes from ``start`` to ``end`` of the file at ``path`` make way for ``text``."""

    path: str
    start: int
    end: int
    text: str


def splice(data: bytes, edits: Sequence[Edit]) -> bytes:
    """`data` with edits that do not overlap; every other byte stays."""
    for edit in sorted(edits, key=lambda edit: (-edit.start, -edit.end)):
        data = data[: edit.start] + edit.text.encode() + data[edit.end :]
    return data


def round_to(value: float, digits: int) -> float:
    """`value` with so many significant digits."""
    return float(f"{value:.{digits}g}")


def write(value: Value, like: str) -> str:
    """`value` as Python source with the exponents, underscores and quotes of `like`."""
    if isinstance(value, str):
        quote = like[0] if like[:1] in ("'", '"') else '"'
        return f"{quote}{value}{quote}"
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return f"{value:_}" if "_" in like else str(value)
    return _float(value, like)


def _float(value: float, like: str) -> str:
    scientific = "e" in like.lower() or not 1e-4 <= abs(value) < 1e7
    if scientific and value:
        mantissa, _, exponent = f"{Decimal(repr(value)):e}".lower().partition("e")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}{'E' if 'E' in like else 'e'}{int(exponent)}"
    text = f"{Decimal(repr(value)):f}"
    return text if "." in text else f"{text}.0"
