"""How many words a text has."""

from __future__ import annotations

import re

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+(?:['.-]\w+)*")


def words(text: str) -> int:
    """Words of a text; where a script has no spaces between them, its letters."""
    return len(_WORD.findall(text))
