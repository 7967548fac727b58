"""The benchmarks run, compare equal work, and find what they are there to find; never how long it took."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import keep_rule, vault
from benchmarks.worlds import World

ROOT = Path(__file__).parent.parent


def quick(name: str, folder: Path) -> tuple[dict[str, Any], str]:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--out", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / f"{name}.json").read_text("utf-8")), done.stdout


@pytest.fixture(scope="module")
def overhead(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    return quick("overhead", tmp_path_factory.mktemp("overhead"))


def test_the_harness_costs_less_than_half_of_a_plain_loop(
    overhead: tuple[dict[str, Any], str],
) -> None:
    assert overhead[0]["ratio"] > 2


def test_both_harnesses_did_the_same_number_of_experiments(
    overhead: tuple[dict[str, Any], str],
) -> None:
    found, printed = overhead
    assert found["plugin"]["experiments"] == found["plain"]["experiments"] == 3
    assert "overhead of the plain loop / ours" in printed


def test_every_part_of_the_overhead_is_found_and_none_counts_twice(
    overhead: tuple[dict[str, Any], str],
) -> None:
    found = overhead[0]
    parts = found["parts_ms"]
    named = {"journal and git", "JUnit XML", "fit process: begin", "predict process: end"}
    assert named < set(parts)
    # The rest is what the others leave of the whole: below zero if they overlapped.
    assert all(value > 0 for value in parts.values())
    assert sum(parts.values()) < 2000 * found["watched_overhead"]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    return quick("sealed", tmp_path_factory.mktemp("sealed"))


def test_in_every_tier_a_warm_process_costs_less_than_a_cold_start(
    sealed: tuple[dict[str, Any], str],
) -> None:
    found, printed = sealed
    assert set(found["tiers"]) | set(found["missing"]) == {"sealed", "guarded", "none"}
    assert "none" in found["tiers"]
    for tier in found["tiers"].values():
        assert tier["both_ms"]["median"] < tier["cold_ms"]["median"]
        assert sum(tier["parts_ms"].values()) > 0
    assert "cold start" in printed


def test_training_data_are_written_once_for_all_experiments(
    sealed: tuple[dict[str, Any], str],
) -> None:
    assert [tier["large_files_written"] for tier in sealed[0]["tiers"].values()] == [2] * len(
        sealed[0]["tiers"]
    ), "X and y"


def test_limits_take_hold_within_their_order_of_magnitude(
    sealed: tuple[dict[str, Any], str],
) -> None:
    for tier in sealed[0]["tiers"].values():
        assert tier["overshoot_mib"]["median"] < 512
        assert tier["death_ms"]["median"] < 5000


def test_an_unused_plugin_adds_only_modules_of_its_own(tmp_path: Path) -> None:
    found, _ = quick("unused", tmp_path)
    assert found["added"]
    assert all(name.split(".")[0] == "pytest_autoresearch" for name in found["added"])


@pytest.mark.parametrize(
    ("world", "least", "most"),
    [("no lasting luck", 0.0, 0.06), ("a quarter lasts, 5% of patches leak", 0.9, 1.0)],
)
def test_the_vault_warns_of_searches_that_overfit_and_of_hardly_any_other(
    world: str, least: float, most: float
) -> None:
    found = vault.row("ours", world, range(80))
    assert least <= found.warned <= most
    assert found.covered >= 0.85, "the interval of the vault's gain holds the true one"
    assert abs(found.vault - found.true) < 0.5


def test_the_table_of_the_vault_has_greedy_beside_ours(tmp_path: Path) -> None:
    found, printed = quick("vault", tmp_path)
    rows: Any = found
    assert [row["search"] for row in rows] == ["greedy", "ours"] * len(vault.WORLDS)
    assert (tmp_path / "vault.png").stat().st_size > 10_000
    assert printed.count("\n") == len(rows) + 2
    by_kind = {(row["search"], row["world"]): row for row in rows}
    for world in list(vault.WORLDS)[1:]:
        assert by_kind["greedy", world]["shrink"] < by_kind["ours", world]["shrink"]


SIMULATED = {row.name: row for row in keep_rule.rows() if row.group in ("rules", "worlds")}


def simulated(name: str, searches: int) -> keep_rule.Summary:
    """What a row of the keep rule's table comes to, on seeds of its own."""
    found = [keep_rule.one((SIMULATED[name], seed)) for seed in range(searches)]
    return keep_rule.summary(found)


def test_the_keep_rule_keeps_an_eighth_of_greedys_luck_for_nine_tenths_of_its_gain() -> None:
    ours, greedy = simulated("default", 80), simulated("greedy", 80)
    assert ours.false <= 4.5
    assert greedy.false >= 20
    assert ours.share_false <= 0.32
    assert ours.gain >= 10.3
    assert ours.inflation <= 4.5
    assert greedy.inflation >= 12
    assert ours.evaluations <= 1.05


@pytest.mark.parametrize(
    ("name", "false", "gain"),
    [
        ("strict", 2.3, 8.0),
        ("folds correlated by 0.5", 8.0, 10.0),
        ("nothing to be found", 3.0, -0.5),
        ("1 fold", 4.5, 8.0),
    ],
)
def test_the_keep_rule_keeps_little_luck_in_other_worlds_too(
    name: str, false: float, gain: float
) -> None:
    found = simulated(name, 30)
    assert found.false <= false
    assert found.gain >= gain


def test_a_simpler_patch_that_loses_much_is_hardly_ever_kept_and_one_that_loses_nothing_often() -> (
    None
):
    assert keep_rule.tied((-1.0, 60))[1] <= 0.08
    assert keep_rule.tied((0.0, 60))[1] >= 0.35


@pytest.mark.parametrize("folds", [5, 1])
def test_a_plan_that_shrinks_calibration_keeps_no_larger_share_of_luck(folds: int) -> None:
    whole, *smaller = [
        row for row in keep_rule.rows()
        if row.group.startswith("nights") and row.world == World(folds=folds, experiments=15)
    ]  # fmt: skip
    seeds = range(1000 if folds == 1 else 500)

    def share(row: keep_rule.Row) -> float:
        return keep_rule.summary([keep_rule.one((row, seed)) for seed in seeds]).share_false

    assert smaller
    assert share(whole) <= 0.34
    assert share(smaller[-1]) <= share(whole) + 0.06


def test_the_documented_tables_of_the_keep_rule_are_those_that_were_made() -> None:
    made = json.loads((keep_rule.RESULTS / "keep_rule.json").read_text("utf-8"))
    documented = (ROOT / "docs" / "keep-rule.md").read_text("utf-8")
    assert keep_rule.printed(made) in documented


def test_the_table_of_the_keep_rule_has_greedy_beside_ours(tmp_path: Path) -> None:
    found, printed = quick("keep_rule", tmp_path)
    assert [row["name"] for row in found["rows"][:4]] == ["greedy", "explore", "default", "strict"]
    assert (tmp_path / "keep_rule.png").stat().st_size > 10_000
    assert all(f"| {row['name']} | " in printed for row in found["rows"])


def test_thinking_while_an_experiment_runs_leaves_less_time_in_which_none_does(
    tmp_path: Path,
) -> None:
    found, printed = quick("thinking", tmp_path)
    assert found["sequential"]["experiments"] == found["overlapped"]["experiments"] == 3
    assert found["overlapped"]["share"] > found["sequential"]["share"]
    assert "share of time running" in printed
