"""What the README shows works when it is copied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_autoresearch.testing import Project

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    """The Python block that begins with a comment naming the file."""
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    return next(str(text) for text in blocks if text.startswith(f"# {name}"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    files = {name: block(name) for name in ("test_churn.py", "conftest.py")}
    made = Project(
        tmp_path_factory.mktemp("readme") / "p", {**files, "model.py": block("model.py")}
    )
    (made.folder / "test_line.py").unlink()
    made.commit()
    return made


def test_the_example_passes_as_a_plain_test(project: Project) -> None:
    result = project.pytest()
    assert result.returncode == 0, result.stdout


def test_the_example_can_be_searched_offline(project: Project) -> None:
    result = project.pytest("--autoresearch", "--autoresearch-experiments", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [record.item for record in result.experiments] == ["0001", "0002"]
    assert all(record.passes for record in result.experiments)


def test_every_link_to_a_file_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
