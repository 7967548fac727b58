"""Which scientific libraries a project's files use, so that they are imported once."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from ..exceptions import UsageProblem

WARM = frozenset(
    {
        *("catboost", "category_encoders", "imblearn", "joblib", "lightgbm", "lightning"),
        *("matplotlib", "networkx", "numba", "numexpr", "numpy", "pandas"),
        *("patsy", "PIL", "polars", "pyarrow", "safetensors", "scipy"),
        *("seaborn", "sentencepiece", "skimage", "sklearn", "statsmodels", "tiktoken"),
        *("tokenizers", "torch", "torchaudio", "torchvision", "tqdm", "transformers"),
        "xgboost",
    }
)
"""Libraries worth importing before the fork; a file may use others, and pays for them each time."""

COMPANIONS = {"torch": "torch._dynamo"}
"""What takes seconds to import and is imported when the library is first used: by any optimizer."""

IMPORTS = "AUTORESEARCH_IMPORTS"
"""The variable of ``sandbox(env=…)`` that says what is imported in place of what is found."""

MAX_FILE = 1 << 20
MAX_NAMES = 200
NAME = rb"[A-Za-z_]\w{0,60}"
DOTTED = NAME + rb"(?:\." + NAME + rb"){0,6}"
IMPORT = re.compile(rb"^[ \t]*import[ \t]+([^\n#;\\]{1,500})", re.MULTILINE)
FROM = re.compile(
    rb"^[ \t]*from[ \t]+(" + DOTTED + rb")[ \t]+import[ \t]*(\([^)]{0,2000}\)|[^\n#;\\(]{1,500})",
    re.MULTILINE,
)


def libraries(files: Mapping[str, bytes], own: Collection[str] = ()) -> tuple[str, ...]:
    """Dotted names to import, found by pattern, never by parsing; only names of `WARM` libraries.

    ``from a.b import c`` yields ``a.b`` and ``a.b.c``: who imports them finds out whether the last
    is a module. ``own`` are the candidate's own modules: it must not get libraries of these names.
    """
    tops = WARM.difference(own)
    warm = [name for name in imports(files) if name.partition(".")[0] in tops]
    used = {name.partition(".")[0] for name in warm}
    more = [companion for name, companion in COMPANIONS.items() if name in used]
    return (*warm[:MAX_NAMES], *more)


def chosen(env: Mapping[str, str]) -> tuple[str, ...] | None:
    """The names that a person has chosen to import, ``None`` where they leave it to us.

    Raises `UsageProblem` when one is no name.
    """
    if IMPORTS not in env:
        return None
    names = env[IMPORTS].replace(",", " ").split()
    for name in names:
        if not re.fullmatch(DOTTED, name.encode("utf-8", "replace")):
            raise UsageProblem(
                f"sandbox(env={{{IMPORTS!r}: …}}): {name!r} is not the name of a module: write names with "
                "spaces between them, 'numpy torch.nn' for instance, or nothing to import nothing"
            )
    return tuple(names)


def imports(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Dotted names that files import, found in the same way."""
    found: dict[str, None] = {}
    for path, text in files.items():
        if path.endswith(".py"):
            found.update(dict.fromkeys(_names(text[:MAX_FILE])))
    return tuple(found)


def _names(text: bytes) -> list[str]:
    names = []
    for match in IMPORT.finditer(text):
        names += re.findall(rb"(?:^|,)[ \t]*(" + DOTTED + rb")", match[1])
    for match in FROM.finditer(text):
        module = match[1]
        plain = re.sub(rb"#[^\n]*", b"", match[2])
        imported = re.findall(rb"(?:^|[,(\s])(" + NAME + rb")(?=[\s,)]|$)", _without_as(plain))
        names += [module, *(module + b"." + name for name in imported)]
    return [name.decode("ascii", "ignore") for name in names]


def _without_as(text: bytes) -> bytes:
    return re.sub(rb"\bas[ \t]+" + NAME, b"", text)
