"""A wrong marker ends the session with exit 4, the node id and the remedy, searching or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_autoresearch.testing import CONFTEST, MODEL, TEST, Project

Run = Callable[..., pytest.RunResult]
SANE = 'metric="rmse", direction="minimize", editable=["model.py"]'
LOOP = TEST.partition("def test_line")[2].partition("\n")[2]


def written(arguments: str, *, more: str = "", head: str = "def test_line") -> str:
    return (
        "import numpy as np\nimport pytest\n\n"
        f"{more}\n@pytest.mark.timeout(20)\n@pytest.mark.autoresearch({arguments})\n"
        f"{head}(candidate, experiment, line):\n{LOOP}"
    )


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One repository; each test writes its own frozen test into the work tree."""
    return Project(tmp_path_factory.mktemp("markers") / "p", {"other.py": "X = 1\n"})


@pytest.fixture(params=["search", "plain"])
def refused(request: pytest.FixtureRequest, run: Run, shared: Project) -> Callable[[str], str]:
    """What is said of a frozen test's text, in a search and in plain pytest."""

    def refused(text: str) -> str:
        (shared.folder / "test_line.py").write_text(text, encoding="utf-8")
        result = run(shared, *(["--autoresearch"] if request.param == "search" else []))
        shown = result.stdout.str() + result.stderr.str()
        assert result.ret == pytest.ExitCode.USAGE_ERROR, shown
        assert not (shared.folder / ".autoresearch").exists()
        return shown

    return refused


WRONG = [
    ('direction="minimize", editable=["model.py"]', "metric='' is not a name"),
    ('metric="a b", direction="minimize", editable=["model.py"]', "metric='a b' is not a name"),
    ('metric=3, direction="minimize", editable=["model.py"]', "metric=3 is not a name"),
    ('metric="rmse", editable=["model.py"]', "direction='' is neither"),
    ('metric="rmse", direction="down", editable=["model.py"]', "direction='down' is neither"),
    ('metric="rmse", direction="minimize"', "editable names no file"),
    ('metric="rmse", direction="minimize", editable=[]', "editable names no file"),
    ('metric="rmse", direction="minimize", editable="model.py"', "write a list, editable=['model.py']"),
    ('metric="rmse", direction="minimize", editable=[3]', "editable=[3] is not a list"),
    ('metric="rmse", direction="minimize", editable=None', "editable=None is not a list"),
    (f"{SANE}, readable='other.py'", "write a list, readable=['other.py']"),
    (f"{SANE}, entry=3", "entry=3 is not a path"),
    (f"{SANE}, stage='dress'", "stage='dress' is not one of search, confirm, vault"),
    (f"{SANE}, stage='vault'", "needs of='test_…'"),
    ("of='test_line'", "needs stage='confirm' or stage='vault'"),
    ("of='test_gone', stage='vault'", "this file has no objective of that name"),
    (f"{SANE}, analysis=1", "analysis=1 is not the name of a fixture"),
    (f"{SANE}, constraints=[]", "constraints=[] is not a dict"),
    (f"{SANE}, constraints={{'ece': 0.8}}", "write one like '<= 0.8'"),
    (f"{SANE}, constraints={{'ece': '== 1'}}", "'== 1' is not a bound"),
    (f"{SANE}, colour='red'", "has no argument 'colour'"),
    (f"'rmse', {SANE}", "metric is given twice"),
    ("'rmse', 'minimize', ['model.py'], 'model.py'", "takes 3 positional arguments, 4 given"),
    ('metric="rmse", direction="minimize", editable=["../model.py"]', "leads outside the repository"),
    ('metric="rmse", direction="minimize", editable=["model.py", "conftest.py"]', "stays frozen"),
    ('metric="rmse", direction="minimize", editable=["test_line.py"]', "stays frozen"),
    ('metric="rmse", direction="minimize", editable=["pyproject.toml"]', "stays frozen"),
    ('metric="rmse", direction="minimize", editable=[".hidden.py"]', "stays frozen"),
    ('metric="rmse", direction="minimize", editable=["line.champion.json"]', "stays frozen"),
    (f"{SANE}, readable=['conftest.py']", "stays frozen"),
    (f"{SANE}, readable=['test_line.py']", "stays frozen"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), WRONG)
def test_a_wrong_argument_is_named_with_its_remedy(
    refused: Callable[[str], str], arguments: str, words: str
) -> None:
    shown = refused(written(arguments))
    assert words in shown
    assert "test_line.py::test_line: " in shown


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ("memory='lots'", "write a size like '512M' or '8G'"),
        ("memory=0", "sandbox(memory=0)"),
        ("scratch='-1G'", "sandbox(scratch='-1G')"),
        ("gpu=True", "write a number of devices"),
        ("processes=1", "write True or False"),
        ("hidden='x'", "write a list"),
        ("data=['x']", "write a dict"),
        ("env={'A': 1}", "write a dict"),
        ("'8G'", "takes named arguments only"),
        ("ram='8G'", "has no argument 'ram'"),
    ],
)
def test_a_wrong_sandbox_marker_is_named_with_its_remedy(
    refused: Callable[[str], str], limits: str, words: str
) -> None:
    shown = refused(written(SANE, more=f"@pytest.mark.sandbox({limits})"))
    assert words in shown
    assert "test_line.py::test_line: " in shown


@pytest.mark.parametrize(
    ("more", "head", "words"),
    [
        ("", "async def test_line", "cannot be async"),
        ("@pytest.mark.skip", "def test_line", "cannot be marked skip"),
        ("@pytest.mark.skipif(False, reason='')", "def test_line", "cannot be marked skipif"),
        ("@pytest.mark.xfail", "def test_line", "cannot be marked xfail"),
        ("@pytest.mark.parametrize('seed', [1])", "def test_line", "cannot be parametrized"),
    ],
)
def test_an_objective_is_a_plain_function(
    refused: Callable[[str], str], more: str, head: str, words: str
) -> None:
    text = written(SANE, more=more, head=head)
    if "parametrize" in more:
        text = text.replace("experiment, line", "experiment, line, seed")
    assert words in refused(text)


def test_a_method_is_no_objective(refused: Callable[[str], str]) -> None:
    text = (
        "import pytest\n\nclass TestLine:\n"
        f"    @pytest.mark.autoresearch({SANE})\n"
        "    def test_line(self, candidate, experiment): ...\n"
    )
    shown = refused(text)
    assert "not a method" in shown
    assert "TestLine::test_line" in shown


def test_a_stage_takes_everything_else_from_its_objective(refused: Callable[[str], str]) -> None:
    vault = '\n\n@pytest.mark.autoresearch(of="test_line", stage="vault", metric="auc")\n'
    shown = refused(TEST + vault + "def test_vault(candidate, experiment): ...\n")
    assert "metric is taken from the objective" in shown
    assert "test_line.py::test_vault" in shown


STAGE = '\n\n@pytest.mark.autoresearch(of="test_line", stage="{}")\n'
STAGED = [
    (
        STAGE.format("vault")
        + "def test_one(candidate): ...\n"
        + STAGE.format("vault")
        + "def test_two(candidate): ...\n",
        "test_line has a vault already, test_one: an objective has one",
    ),
    (
        STAGE.format("confirm") + '@pytest.mark.sandbox(memory="1G")\ndef test_one(): ...\n',
        "sandbox() is taken from the objective that it names",
    ),
]


@pytest.mark.parametrize(("more", "words"), STAGED, ids=["two vaults", "own sandbox"])
def test_what_a_stage_cannot_be_is_a_usage_error(
    run: Run, tmp_path: Path, more: str, words: str
) -> None:
    result = run(Project(tmp_path / "p", {"test_line.py": TEST + more}), "--autoresearch")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert words in result.stderr.str()


FILES = [
    ('editable=["nothing_*.py"]', "'nothing_*.py' matches no file that git tracks"),
    ('editable=["model.py", "gone.py"]', "'gone.py' matches no file"),
    ('editable=["model.py"], readable=["data/*.csv"]', "'data/*.csv' matches no file"),
    ('editable=["model.py", "conftest.p?"]', "'conftest.p?' matches no file"),
    ('editable=["model.py", "other.py"]', "entry is missing: 2 files are editable"),
    ('editable=["model.py"], entry="lost.py"', "'lost.py' is neither editable nor readable"),
    ('editable=["model.py"], entry="conftest.py"', "neither editable nor readable"),
]


@pytest.mark.parametrize(("arguments", "words"), FILES)
def test_what_git_tracks_decides_what_a_glob_names(
    run: Run, tmp_path: Path, arguments: str, words: str
) -> None:
    text = TEST.replace('editable=["model.py"]', arguments)
    project = Project(tmp_path / "p", {"test_line.py": text, "other.py": "X = 1\n"})
    searched = run(project, "--autoresearch")
    assert searched.ret == pytest.ExitCode.USAGE_ERROR
    assert words in searched.stderr.str()
    assert "test_line.py::test_line: " in searched.stderr.str()
    plain = run(project)
    assert plain.ret == pytest.ExitCode.TESTS_FAILED
    assert words in plain.stdout.str()


def test_a_wide_glob_never_shows_the_evaluation(tmp_path: Path) -> None:
    """Code that the candidate may read never includes the test, conftest.py or dotfiles."""
    spy = MODEL.replace(
        "    rng =",
        "    import pathlib\n"
        "    here = pathlib.Path(__file__).parent\n"
        "    print('SEES', sorted(p.name for p in here.iterdir() if p.is_file()))\n    rng =",
    )
    text = TEST.replace('editable=["model.py"]', 'editable=["model.py"], readable=["**"]')
    files = {"test_line.py": text, "model.py": spy, "other.py": "X = 1\n", "table.csv": "1\n"}
    project = Project(tmp_path / "p", {**files, "pytest.ini": "[pytest]\n", ".secret": "x\n"})
    result = project.pytest("--autoresearch", "--autoresearch-experiments", "0")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "SEES ['model.py', 'other.py', 'table.csv']" in result.records[0].output


def test_unicode_and_spaces_in_globs_and_names(tmp_path: Path) -> None:
    text = TEST.replace("test_line(", "test_größe(").replace(
        'editable=["model.py"]', 'editable=["ein modell/*.py"], entry="ein modell/größe.py"'
    )
    files = {"test_line.py": text, "ein modell/größe.py": MODEL, "conftest.py": CONFTEST}
    project = Project(tmp_path / "p", files)
    project.files["ein modell/größe.py"] = MODEL
    project.replace("SLOPE = 2.0", "SLOPE = 2.9", path="ein modell/größe.py")
    result = project.search("--autoresearch-run", "größe-1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [record.status.word for record in result.experiments] == ["KEPT"]
    assert "test_größe[0001]" in result.testcases
