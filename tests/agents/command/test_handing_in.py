"""What a coding agent changed in its folder is its proposal, and nothing else is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_autoresearch.agents.command import safely, telling
from pytest_autoresearch.agents.command.streams import Streams
from pytest_autoresearch.agents.redacting import Redactor
from pytest_autoresearch.exceptions import AgentFailed
from pytest_autoresearch.history.apply import apply
from pytest_autoresearch.history.diffs import parse
from pytest_autoresearch.history.paths import EditableSet
from pytest_autoresearch.records import Analysis, Proposal

from .conftest import CHAMPION, MODEL, OLD, READABLE, TEST, Desk, Furnish

FASTER = """
(here / "src/model.py").write_text("RATE = 2\\n")
(here / "PROPOSAL.md").write_text('''# A higher rate

Hypothesis: it learns
  faster
Theme: rate
**Expected:** +0.01
- Lesson: the rate matters
Lesson: so does the seed
''')
"""


def proposed(found: object) -> Proposal:
    assert isinstance(found, Proposal)
    return found


def last_notes(desk: Desk) -> str:
    return (desk.work / "BRIEFING.md").read_text().partition("# From your last call")[2]


def test_a_changed_file_is_the_proposal_and_proposal_md_its_words(desk: Desk) -> None:
    found = proposed(desk.agent(FASTER).propose(desk.briefing()))
    assert found.files == {MODEL: "RATE = 2\n"}
    assert found.patch is None
    assert found.description == "A higher rate"
    assert found.hypothesis == "it learns faster"
    assert (found.theme, found.expected) == ("rate", "+0.01")
    assert found.lessons == ("the rate matters", "so does the seed")
    assert found.cost_usd is None, "the purse has it already"


def test_it_finds_the_files_the_protocol_and_a_briefing(desk: Desk) -> None:
    agent = desk.agent(
        """
        seen = sorted(str(p) for p in here.rglob("*") if p.is_file())
        text = here.joinpath("PROTOCOL.md").read_text() + here.joinpath("BRIEFING.md").read_text()
        assert pathlib.Path(sys.argv[1]).samefile("BRIEFING.md")
        (here / "src/model.py").write_text(repr((seen, "Be bold" in text, "accuracy" in text)))
        """,
        more="{briefing}",
    )
    text = proposed(agent.propose(desk.briefing())).files[MODEL]
    names = sorted(["BRIEFING.md", "PROTOCOL.md", MODEL, OLD, READABLE])
    assert text == repr((names, True, True))


def test_new_files_that_fit_the_patterns_are_taken_and_no_others(desk: Desk) -> None:
    agent = desk.agent(
        """
        (here / "src/extra.py").write_text("a")
        (here / "src/deep").mkdir()
        (here / "src/deep/extra.py").write_text("b")
        (here / "NOTES.md").write_text("mine")
        """
    )
    assert proposed(agent.propose(desk.briefing())).files == {"src/extra.py": "a"}


def test_a_changed_frozen_file_changes_nothing_and_it_is_told(desk: Desk) -> None:
    agent = desk.agent(
        f"""
        (here / "{READABLE}").write_text("TABLE = 'mine'")
        (here / "{TEST}").write_text("def test(): pass")
        (here / "conftest.py").write_text("cheat")
        (here / "src/model.py").write_text("RATE = 3\\n")
        """
    )
    assert proposed(agent.propose(desk.briefing())).files == {MODEL: "RATE = 3\n"}
    agent.propose(desk.briefing())
    told = last_notes(desk)
    assert f"your change to '{TEST}' was not taken: the file is frozen" in told
    assert f"your change to '{READABLE}' was not taken" in told
    assert "'conftest.py' was not taken" in told


def test_files_of_its_own_are_named_once_and_caches_never(desk: Desk) -> None:
    agent = desk.agent(
        """
        count = here / "count.txt"
        n = int(count.read_text()) if count.exists() else 0
        count.write_text(str(n + 1))
        (here / "src/__pycache__").mkdir(exist_ok=True)
        (here / "src/__pycache__/model.pyc").write_text(str(n))
        (here / ".history").write_text(str(n))
        (here / "src/model.py").write_text(f"RATE = {n + 3}\\n")
        """
    )
    told = []
    for _ in range(3):
        agent.propose(desk.briefing())
        told.append(last_notes(desk))
    assert "no part of the proposal, and yours to keep" in told[1]
    assert "(it matches none of the editable globs): 'count.txt'\n" in told[1]
    assert "count.txt" not in told[2]
    assert not any(word in "".join(told) for word in ("not taken", "__pycache__", ".history"))


def test_the_judge_says_of_files_outside_of_the_globs_what_is_taken_for_the_tools_own() -> None:
    from pytest_autoresearch.agents.command.workplace import OUTSIDE

    editable = EditableSet(["src/*.py"], ["src/model.py"], ["src/test_line.py"])
    assert editable.closed("count.txt") == OUTSIDE
    assert editable.closed("src/test_line.py") != OUTSIDE


def test_the_ways_to_hand_in_stand_in_one_list(desk: Desk) -> None:
    text = telling.briefing_text(desk.briefing(analysis="train"), "errors", analysis=True)
    numbers = [at for n in range(1, 6) if (at := text.index(f"\n{n}. ")) >= 0]
    assert numbers == sorted(numbers)
    assert text.index("Files of your own") > numbers[-1]


def test_a_deleted_editable_file_is_deleted(desk: Desk) -> None:
    found = proposed(desk.agent("(here / 'src/old.py').unlink()").propose(desk.briefing()))
    assert found.files == {}
    old = desk.briefing().editable[OLD]
    assert apply(parse((found.patch or "").encode()), {OLD: old}.get) == {OLD: None}


@pytest.mark.parametrize("name", ["a b.py", 'we"ird\\é.py', "plain.py"])
@pytest.mark.parametrize(
    "content", [b"a\n", b"a\nb", b"", b"\n", "é\r\n".encode(), b"--- a\n+++ b\n"]
)
def test_a_deletion_reads_as_git_writes_it(name: str, content: bytes) -> None:
    from pytest_autoresearch.agents.command.workplace import _deletion

    sections = parse(_deletion(name, content).encode())
    assert apply(sections, {name: content}.get) == {name: None}


def test_the_projects_files_are_the_champions_before_each_call_and_notes_stay(desk: Desk) -> None:
    agent = desk.agent(
        """
        notes = here / "notes.txt"
        count = int(notes.read_text()) if notes.exists() else 0
        notes.write_text(str(count + 1))
        was = (here / "src/model.py").read_text()
        left = (here / "src/extra.py").exists()
        (here / "src/extra.py").write_text("x")
        (here / "src/model.py").write_text(f"# {count} {was!r} {left}")
        """
    )
    agent.propose(desk.briefing())
    second = proposed(agent.propose(desk.briefing(editable={MODEL: b"BETTER\n"})))
    assert second.files[MODEL] == "# 1 'BETTER\\n' False"


def test_what_is_no_plain_text_file_is_not_taken(desk: Desk) -> None:
    (desk.folder / "secret").write_text("the labels")
    agent = desk.agent(
        f"""
        (here / "src/link.py").symlink_to("{desk.folder}/secret")
        os.mkfifo("src/pipe.py")
        (here / "src/binary.py").write_bytes(b"\\xff\\xfe")
        (here / "src/nul.py").write_bytes(b"a\\0b")
        (here / "src/huge.py").write_text("x" * 2_000_000)
        (here / "src/old.py").unlink()
        (here / "src/old.py").symlink_to("/etc/passwd")
        os.rename("src/tables.py", "src/tables")
        os.symlink("tables", "src/tables.py")
        (here / "src/model.py").write_text("RATE = 4\\n")
        (here / "src/\\udcff.py").write_text("x")
        """
    )
    found = proposed(agent.propose(desk.briefing()))
    assert found.files == {MODEL: "RATE = 4\n"}
    assert found.patch is None
    agent.propose(desk.briefing())
    told = last_notes(desk)
    for name in ("link", "pipe", "binary", "nul", "huge", "old"):
        assert f"'src/{name}.py' was not taken" in told
    assert (desk.folder / "secret").read_text() == "the labels"


def test_links_that_it_leaves_lead_nobody_out_of_its_folder(desk: Desk) -> None:
    outside = desk.folder / "outside"
    (outside / "src").mkdir(parents=True)
    agent = desk.agent(
        f"""
        import shutil
        shutil.rmtree("src")
        os.symlink("{outside}/src", "src")
        for name in ("BRIEFING.md", "PROTOCOL.md"):
            os.unlink(name)
            os.symlink("{outside}/" + name, name)
        os.symlink("{outside}/PROPOSAL.md", "PROPOSAL.md")
        """
    )
    (outside / "PROPOSAL.md").write_text("from outside")
    found = proposed(agent.propose(desk.briefing()))
    assert "from outside" not in repr(found)
    agent.propose(desk.briefing())
    assert sorted(path.name for path in outside.rglob("*")) == ["PROPOSAL.md", "src"]


def test_folders_that_cannot_be_read_are_made_anew(desk: Desk) -> None:
    agent = desk.agent(
        """
        tries = here / "../home/tries"
        first = not tries.exists()
        tries.write_text("")
        (here / "src/model.py").write_text("RATE = 5\\n")
        if first:
            (here / "PROPOSAL.md").mkdir()
            (here / "PROPOSAL.md" / "deep").mkdir()
            os.chmod("src", 0)
        """
    )
    agent.propose(desk.briefing())
    assert proposed(agent.propose(desk.briefing())).files == {MODEL: "RATE = 5\n"}


def test_folders_in_proposals_are_further_proposals(desk: Desk) -> None:
    agent = desk.agent(
        """
        assert not (here / "proposals").exists()
        for name, rate in (("01", 6), ("02", 7), ("03", 8)):
            folder = here / "proposals" / name / "src"
            folder.mkdir(parents=True)
            (folder / "model.py").write_text(f"RATE = {rate}\\n")
            (folder / "test_line.py").write_text("cheat")
            (folder.parent / "PROPOSAL.md").write_text(f"rate {rate}")
        (here / "calls").write_text((here / "calls").read_text() + "x" if (here / "calls").exists() else "x")
        """
    )
    found = [proposed(agent.propose(desk.briefing())) for _ in range(3)]
    assert [one.description for one in found] == ["rate 6", "rate 7", "rate 8"]
    assert [one.files for one in found] == [{MODEL: f"RATE = {n}\n"} for n in (6, 7, 8)]
    assert (desk.work / "calls").read_text() == "x"


def test_a_further_proposal_is_dropped_when_the_champion_has_changed_its_files(desk: Desk) -> None:
    agent = desk.agent(
        """
        for name in ("01", "02"):
            folder = here / "proposals" / name / "src"
            folder.mkdir(parents=True)
            (folder / "model.py").write_text(f"# {name}" + (here / "src/model.py").read_text())
        """
    )
    agent.propose(desk.briefing())
    then = desk.briefing(champion="beef", editable={MODEL: b"RATE = 9\n"})
    assert proposed(agent.propose(then)).files == {MODEL: "# 01RATE = 9\n"}
    assert "the champion has changed src/model.py since" in last_notes(desk)


def test_of_several_proposals_the_bad_ones_are_passed_over(desk: Desk) -> None:
    desk.problems = ["it does not parse", ""]
    agent = desk.agent(
        """
        for name in ("01", "02"):
            folder = here / "proposals" / name / "src"
            folder.mkdir(parents=True)
            (folder / "model.py").write_text(name)
        """
    )
    assert proposed(agent.propose(desk.briefing())).files == {MODEL: "02"}


def test_analysis_py_asks_for_an_analysis_once(desk: Desk) -> None:
    agent = desk.agent(
        """
        if not (here / "analysis.py").exists():
            (here / "analysis.py").write_text("def analyse(data): print(data)")
            (here / "PROPOSAL.md").write_text("how many rows are there?\\nLesson: look first")
        else:
            (here / "src/model.py").write_text("RATE = 10\\n")
        """
    )
    asked = agent.propose(desk.briefing(analysis="training"))
    assert asked == Analysis(
        "def analyse(data): print(data)", "how many rows are there?", lessons=("look first",)
    )
    assert proposed(agent.propose(desk.briefing(analysis="training"))).files == {
        MODEL: "RATE = 10\n"
    }


def test_analysis_py_asks_for_nothing_where_none_is_offered(desk: Desk) -> None:
    agent = desk.agent("(here / 'analysis.py').write_text('print(1)')")
    assert not proposed(agent.propose(desk.briefing())).files
    assert "analysis.py" not in (desk.work / "BRIEFING.md").read_text()


def test_a_project_may_have_an_analysis_py_of_its_own(desk: Desk) -> None:
    agent = desk.agent("(here / 'analysis.py').write_text('print(1)')")
    found = agent.propose(desk.briefing(editable={"analysis.py": b""}, analysis="training"))
    assert proposed(found).files == {"analysis.py": "print(1)"}


def test_what_is_wrong_is_said_in_problem_md_and_may_be_mended_twice(desk: Desk) -> None:
    desk.problems = ["line 1: invalid syntax", "undefined name 'x'", "still wrong"]
    agent = desk.agent(
        """
        problem = here / "PROBLEM.md"
        said = problem.read_text() if problem.exists() else ""
        (here / "src/model.py").write_text((here / "src/model.py").read_text() + "# " + said)
        """
    )
    found = proposed(agent.propose(desk.briefing()))
    assert "line 1: invalid syntax\n# undefined name 'x'" in found.files[MODEL]
    assert len(desk.trials) == 3
    agent.propose(desk.briefing())
    assert "invalid" not in "".join(path.read_text() for path in desk.work.rglob("*.md"))


def test_a_file_done_says_that_there_is_nothing_more(desk: Desk) -> None:
    agent = desk.agent("(here / 'DONE').touch()")
    assert agent.propose(desk.briefing()) is None
    assert agent.reason == "script has nothing more to propose"


def test_nothing_three_times_in_a_row_is_a_failure(desk: Desk) -> None:
    agent = desk.agent("sys.exit('I am broken')")
    for _ in range(2):
        found = proposed(agent.propose(desk.briefing()))
        assert not found.files
        assert not found.patch
        assert found.description == "no proposal: exit status 1: I am broken"
    with pytest.raises(AgentFailed, match=r"3 times in a row.*I am broken"):
        agent.propose(desk.briefing())


def test_a_good_call_begins_the_count_anew(desk: Desk) -> None:
    agent = desk.agent(
        """
        count = here / "count"
        n = int(count.read_text()) if count.exists() else 0
        count.write_text(str(n + 1))
        if n % 3 == 2:
            (here / "src/model.py").write_text("RATE = 11\\n")
        """
    )
    found = [bool(proposed(agent.propose(desk.briefing())).files) for _ in range(6)]
    assert found == [False, False, True] * 2


def test_every_byte_is_on_record(desk: Desk) -> None:
    agent = desk.agent("print('out' * 3); print('err', file=sys.stderr)" + FASTER)
    agent.propose(desk.briefing())
    folder = desk.office.transcripts.path
    assert folder is not None
    texts = {path.name.partition("-")[2]: path.read_text() for path in folder.iterdir()}
    assert texts["stdout"] == "outoutout\n"
    assert texts["stderr"] == "err\n"
    assert "Be bold." in texts["PROTOCOL.md"]
    assert "accuracy" in texts["BRIEFING.md"]
    assert "'agent'" in texts["command.json"].replace("/", "'").replace('"', "'")


def test_a_tool_without_network_of_files_to_show_still_runs(desk: Desk) -> None:
    found = proposed(
        desk.agent(FASTER).propose(desk.briefing(readable={}, editable={MODEL: CHAMPION}))
    )
    assert found.files


def test_a_huge_tree_ends_as_a_call_that_yielded_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safely, "MOST_ENTRIES", 100)
    agent = desk.agent("for n in range(101): (here / str(n)).touch()")
    assert "files to look through" in proposed(agent.propose(desk.briefing())).description
    assert os.path.isdir(Path(desk.work))


# Secrets

SECRET = "sk-proj-SECRETKEY123456"
SAYS = """
import json
key = os.environ["OWN_API_KEY"]
print(json.dumps({"said": key}))
os.write(2, b"401 incorrect api key provided: " + key[:9].encode())
time.sleep(0.05)
os.write(2, key[9:].encode() + b"\\n")
"""


def written(desk: Desk, secret: str = SECRET) -> list[str]:
    """Where the judge has written a secret down; the tool's own folder is its own."""
    files = [path for path in (desk.folder / "agents").rglob("*") if path.is_file()]
    return [
        str(path)
        for path in files
        if "home-script" not in path.parts and secret.encode() in path.read_bytes()
    ]


def test_a_key_that_it_prints_is_neither_kept_nor_told(furnish: Furnish) -> None:
    desk = furnish()
    agent = desk.agent(SAYS + "sys.exit(1)", env={"OWN_API_KEY": SECRET})
    found = proposed(agent.propose(desk.briefing()))
    assert found.description == (
        "no proposal: exit status 1: 401 incorrect api key provided: $OWN_API_KEY"
    )
    agent.propose(desk.briefing())
    assert "$OWN_API_KEY" in last_notes(desk)
    assert SECRET not in last_notes(desk)
    assert not written(desk)
    with pytest.raises(AgentFailed) as raised:
        agent.propose(desk.briefing())
    assert SECRET not in str(raised.value)


def test_half_of_a_key_is_not_told_where_what_it_says_is_cut(desk: Desk) -> None:
    body = """print(os.environ["OWN_API_KEY"] + "y" * 290, file=sys.stderr); sys.exit(1)"""
    agent = desk.agent(body, env={"OWN_API_KEY": SECRET})
    assert SECRET[-6:] not in proposed(agent.propose(desk.briefing())).description


def test_a_key_that_nobody_told_us_of_is_known_by_its_shape(desk: Desk) -> None:
    agent = desk.agent(f"sys.exit('invalid x-api-key: {SECRET}')")
    assert proposed(agent.propose(desk.briefing())).description.endswith("x-api-key: [key]")
    assert not written(desk)


def test_a_key_in_its_words_is_not_handed_in(desk: Desk) -> None:
    agent = desk.agent(
        """
        key = os.environ["OWN_API_KEY"]
        text = f"{'x' * 290} {key}\\nHypothesis: {key}\\nTheme: {key}\\nExpected: {key}\\nLesson: {key}\\n"
        (here / "PROPOSAL.md").write_text(text)
        (here / "src/model.py").write_text("RATE = 2\\n")
        (here / f"{key}.txt").touch()
        folder = here / "proposals" / "01"
        (folder / "src").mkdir(parents=True)
        (folder / "src/model.py").write_text("RATE = 3\\n")
        (folder / "PROPOSAL.md").write_text(text)
        """,
        env={"OWN_API_KEY": SECRET},
    )
    for rate in (2, 3):
        found = proposed(agent.propose(desk.briefing()))
        assert found.files == {MODEL: f"RATE = {rate}\n"}
        assert SECRET[:6] not in repr(found)
        assert found.lessons == ("$OWN_API_KEY",)
    agent.propose(desk.briefing())
    assert SECRET not in last_notes(desk)
    assert not written(desk)


def test_code_with_its_key_in_it_is_not_taken_and_it_is_told(desk: Desk) -> None:
    agent = desk.agent(
        """
        key = os.environ["OWN_API_KEY"]
        (here / "src/model.py").write_text("RATE = 2\\n")
        (here / "src/new.py").write_text(f"# {key}\\n")
        (here / "analysis.py").write_text(f"print({key!r})\\n")
        """,
        env={"OWN_API_KEY": SECRET},
    )
    assert proposed(agent.propose(desk.briefing(analysis="training"))).files == {
        MODEL: "RATE = 2\n"
    }
    agent.propose(desk.briefing())
    for name in ("src/new.py", "analysis.py"):
        assert f"'{name}' was not taken: it holds a secret, the value of OWN_API_KEY" in last_notes(
            desk
        )


def test_what_the_project_holds_itself_stays_its_own(desk: Desk) -> None:
    agent = desk.agent(
        """
        path = here / "src/model.py"
        path.write_text(path.read_text() + "RATE = 2\\n")
        """,
        env={"OWN_API_KEY": SECRET},
    )
    champion = f"# {SECRET}\n"
    found = proposed(agent.propose(desk.briefing(editable={MODEL: champion.encode()})))
    assert found.files == {MODEL: champion + "RATE = 2\n"}


def test_what_it_printed_when_the_judge_is_killed_has_no_key(tmp_path: Path) -> None:
    redactor = Redactor()
    redactor.learn("OWN_API_KEY", SECRET)
    streams = Streams(tmp_path, redactor)
    for more in (b"one\nkey: ", SECRET[:5].encode(), SECRET[5:].encode(), b" end\nha", b"lf"):
        streams.heard("stdout", more)
    part = tmp_path / "stdout.part"
    assert part.read_bytes() == b"one\nkey: $OWN_API_KEY end\n"
    long = b"x " * 600_000 + SECRET[:5].encode()
    streams.heard("stdout", long)
    streams.heard("stdout", SECRET[5:].encode())
    streams.close()
    assert part.read_bytes().endswith(b"x x $OWN_API_KEY")
    assert SECRET[:6].encode() not in part.read_bytes()
    assert part.read_bytes().count(b"x ") == 600_000
    assert b"\nhalf" in part.read_bytes()
    streams.remove()
    assert not part.exists()


def test_a_folder_that_it_has_locked_is_opened_again(furnish: Furnish) -> None:
    desk = furnish()
    agent = desk.agent(
        """
        home = pathlib.Path.home()
        if not (home / "locked").exists():
            (home / "locked").touch()
            for path in ("src", home, "."):
                os.chmod(path, 0)
        else:
            (here / "src/model.py").write_text("RATE = 2\\n")
        """
    )
    agent.propose(desk.briefing())
    assert proposed(agent.propose(desk.briefing())).files == {MODEL: "RATE = 2\n"}
