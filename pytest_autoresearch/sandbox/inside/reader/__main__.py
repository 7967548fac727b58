"""Starts the reader by path: nothing of ours has to be importable, nothing is put on ``sys.path``."""

import importlib
import importlib.util
import sys
from pathlib import Path

NAME = "_pytest_autoresearch_reader"


def main() -> None:
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).resolve() != here]
    spec = importlib.util.spec_from_file_location(
        NAME, here / "__init__.py", submodule_search_locations=[str(here)]
    )
    assert spec is not None
    sys.modules[NAME] = importlib.util.module_from_spec(spec)
    importlib.import_module(f"{NAME}.main").main(float(sys.argv[1]))


if __name__ == "__main__":
    main()
