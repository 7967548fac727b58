"""Starts the sandbox by path, under a name that no candidate's module can have.

The folder is not put on ``sys.path``: a candidate that imports its own ``entry`` or ``worker``
must not get ours.
"""

import importlib
import importlib.util
import sys
from pathlib import Path

NAME = "_pytest_autoresearch_inside"


def main() -> None:
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).resolve() != here]
    spec = importlib.util.spec_from_file_location(
        NAME, here / "__init__.py", submodule_search_locations=[str(here)]
    )
    assert spec is not None
    sys.modules[NAME] = importlib.util.module_from_spec(spec)
    importlib.import_module(f"{NAME}.guard").main()


if __name__ == "__main__":
    main()
