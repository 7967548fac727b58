"""The benchmarks run, compare equal work, and find what they are there to find; never how long it took."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
