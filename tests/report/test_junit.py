"""The JUnit XML is complete at every instant and valid for every CI system."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from lxml import etree

SCHEMA = Path(__file__).parent.parent / "data" / "junit-10.xsd"
REGISTER = """
    from pytest_autoresearch.report.junit import JUnit
    def suite():
        return [("autoresearch.kept", str(len(seen))), ("autoresearch.run", "a\\x00b")]
    config.pluginmanager.register(JUnit(config, suite))

seen = []
def pytest_runtest_logreport(report):
    if report.when == "call" and report.passed: seen.append(report)
"""
NIGHT = """
import pytest

@pytest.mark.ends("KEPT")
def test_1(): pass

@pytest.mark.ends("DISCARD", "auc 0.8 < 0.9 \\x1b[31m & more")
def test_2(): print("noise")

@pytest.mark.ends("SKIPPED", "repeats 2", when="setup")
def test_3(): pass

@pytest.mark.ends("REFUSED", "touches the test file", when="setup")
def test_4(): pass

def test_own(): pass
"""


@pytest.fixture
def night(project: pytest.Pytester) -> pytest.Pytester:
    text = project.path.joinpath("conftest.py").read_text()
    project.makeconftest(text + REGISTER)
    project.makepyfile(test_night=NIGHT)
    return project


def suite_of(path: Path) -> etree._Element:
    """The suite of a file, after checking it against the schema."""
    tree = etree.parse(path)
    checked = etree.parse(path)
    for properties in checked.findall(".//testcase/properties"):
        properties.getparent().remove(properties)
    etree.XMLSchema(file=str(SCHEMA)).assertValid(checked)
    (suite,) = tree.getroot()
    return suite


def names(suite: etree._Element) -> list[str | None]:
    return [case.get("name") for case in suite.iter("testcase")]


def properties(suite: etree._Element) -> list[tuple[str, str]]:
    found = suite.findall("properties/property")
    return [(one.get("name", ""), one.get("value", "")) for one in found]


def outputs(suite: etree._Element) -> dict[str | None, list[str | None]]:
    return {
        case.get("name"): [one.text for one in case.iter("system-out")]
        for case in suite.iter("testcase")
    }


def test_the_whole_file_is_valid(night: pytest.Pytester) -> None:
    night.runpytest("--junitxml=out.xml")
    suite = suite_of(night.path / "out.xml")
    assert names(suite) == ["test_1", "test_2", "test_3", "test_4", "test_own"]
    assert (suite.get("tests"), suite.get("skipped"), suite.get("errors")) == ("5", "3", "0")


@pytest.mark.parametrize("logging", ["no", "system-out", "all"])
def test_the_reason_is_the_testcases_output_whatever_is_logged(
    night: pytest.Pytester, logging: str
) -> None:
    night.runpytest("--junitxml=out.xml", "-o", f"junit_logging={logging}")
    found = outputs(suite_of(night.path / "out.xml"))
    assert found["test_2"][0] == "rejected: auc 0.8 < 0.9 ?[31m & more"
    assert found["test_4"][0] == "rejected: touches the test file"
    if logging == "no":
        assert found["test_1"] == found["test_3"] == found["test_own"] == []


def test_suite_properties_are_current_and_never_doubled(night: pytest.Pytester) -> None:
    night.makepyfile(
        test_night=NIGHT
        + """
def test_foreign(record_testsuite_property):
    record_testsuite_property("theirs", "stays")
"""
    )
    night.runpytest("--junitxml=out.xml")
    assert properties(suite_of(night.path / "out.xml")) == [
        ("theirs", "stays"),
        ("autoresearch.kept", "3"),
        ("autoresearch.run", "a?b"),
    ]


def test_a_killed_session_leaves_a_complete_file(night: pytest.Pytester) -> None:
    night.makepyfile(
        test_night=NIGHT + "\ndef test_killed():\n    import os; os.kill(os.getpid(), 9)\n"
    )
    result = night.runpytest_subprocess("--junitxml=out.xml")
    assert result.ret == -9
    suite = suite_of(night.path / "out.xml")
    assert names(suite) == ["test_1", "test_2", "test_3", "test_4", "test_own"]
    assert dict(properties(suite))["autoresearch.kept"] == "2"


def test_a_kill_while_the_last_version_is_written_leaves_the_one_before(
    night: pytest.Pytester,
) -> None:
    text = night.path.joinpath("conftest.py").read_text()
    night.makeconftest(
        text
        + """
from _pytest.junitxml import LogXML

@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish():
    def killed(self):
        import os; os.kill(os.getpid(), 9)
    LogXML._get_global_properties_node = killed
"""
    )
    assert night.runpytest_subprocess("--junitxml=out.xml").ret == -9
    assert len(names(suite_of(night.path / "out.xml"))) == 5


def test_an_interrupted_item_leaves_no_nameless_testcase(night: pytest.Pytester) -> None:
    night.makepyfile(test_night="def test_1(): pass\ndef test_2(): raise KeyboardInterrupt")
    result = night.runpytest_subprocess("--junitxml=out.xml")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert names(suite_of(night.path / "out.xml")) == ["test_1"]


def test_failures_and_errors_stay_valid(night: pytest.Pytester) -> None:
    night.makepyfile(
        test_night="""
        def test_failed(): assert False
        def test_error(nothing_of_this_name): pass
        def test_both(request):
            request.addfinalizer(lambda: 1 / 0)
            assert False
        """
    )
    night.runpytest("--junitxml=out.xml")
    suite = suite_of(night.path / "out.xml")
    assert (suite.get("failures"), suite.get("errors")) == ("2", "2")


def test_the_terminal_names_the_file_that_was_asked_for(night: pytest.Pytester) -> None:
    late = """
def pytest_sessionstart(session):
    from pytest_autoresearch.report.junit import JUnit
    session.config.pluginmanager.register(JUnit(session.config))
"""
    night.makeconftest(night.path.joinpath("conftest.py").read_text() + late)
    result = night.runpytest("--junitxml=reports/out.xml")
    result.stdout.fnmatch_lines([f"*generated xml file: {night.path / 'reports' / 'out.xml'} *"])
    assert os.listdir(night.path / "reports") == ["out.xml"]


def test_a_pipe_is_written_to_and_not_replaced(night: pytest.Pytester) -> None:
    pipe = night.path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        result = night.runpytest("--junitxml=pipe")
        received = os.read(reader, 1 << 16)
    finally:
        os.close(reader)
    assert result.ret == 0
    assert received.startswith(b"<?xml")
    assert received.count(b"<testsuites") == 1
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_link_stays_a_link(night: pytest.Pytester) -> None:
    night.path.joinpath("real.xml").write_text("")
    night.path.joinpath("out.xml").symlink_to("real.xml")
    night.runpytest("--junitxml=out.xml")
    assert night.path.joinpath("out.xml").is_symlink()
    assert len(names(suite_of(night.path / "real.xml"))) == 5


def test_a_file_that_cannot_be_rewritten_does_not_end_the_search(night: pytest.Pytester) -> None:
    text = night.path.joinpath("conftest.py").read_text()
    night.makeconftest(
        text
        + """
import os
def pytest_runtest_logfinish(nodeid):
    def full(*args): raise OSError("no space left on device")
    os.replace = full if "test_1" in nodeid else real
real = os.replace
"""
    )
    result = night.runpytest_subprocess("--junitxml=out.xml")
    assert result.ret == 0
    assert len(names(suite_of(night.path / "out.xml"))) == 5


@pytest.mark.parametrize("arguments", [(), ("-p", "no:junitxml")])
def test_without_an_xml_nothing_is_done(night: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    assert night.runpytest(*arguments).ret == 0
    assert list(night.path.glob("*.xml")) == []
