"""The fingerprint: what a score depends on besides the code, found without importing anything."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from pytest_autoresearch.regression import fingerprint
from pytest_autoresearch.regression.fingerprint import measure

X86 = (
    "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 167\nmodel name\t: A Fast One @ 3 GHz\n"
)
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n"
CARD = "Model: \t\t NVIDIA H100\nIRQ:   \t\t 10\nGPU UUID: \t GPU-1\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine made of files: ``cpuinfo``, ``gpus/NUMBER/information``, ``nvidia-smi``."""
    monkeypatch.setattr(fingerprint, "CPU", tmp_path / "cpuinfo")
    monkeypatch.setattr(fingerprint, "GPUS", tmp_path / "gpus")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def add_card(machine: Path, number: int, text: str) -> None:
    folder = machine / "gpus" / f"0000:0{number}:00.0"
    folder.mkdir(parents=True)
    (folder / "information").write_text(text)


def test_the_device_is_the_processors_model(machine: Path) -> None:
    (machine / "cpuinfo").write_text(X86)
    assert measure([]).device == "A Fast One @ 3 GHz"
    (machine / "cpuinfo").write_text(ARM)
    assert measure([]).device.endswith(" CPU implementer 0x41 CPU part 0xd40")
    (machine / "cpuinfo").unlink()
    assert measure([]).device == os.uname().machine


def test_a_gpu_is_looked_for_only_where_one_is_used(machine: Path) -> None:
    add_card(machine, 1, CARD)
    assert measure([]).gpu == ""
    assert measure([], gpus=1).gpu == "NVIDIA H100"


def test_gpus_of_two_models_are_both_named(machine: Path) -> None:
    add_card(machine, 1, CARD)
    add_card(machine, 2, CARD)
    add_card(machine, 3, CARD.replace("H100", "A100"))
    assert measure([], gpus=1).gpu == "NVIDIA A100, NVIDIA H100"


def test_where_the_driver_shows_no_files_nvidia_smi_is_asked(machine: Path) -> None:
    assert measure([], gpus=1).gpu == ""
    asked = machine / "nvidia-smi"
    asked.write_text("#!/bin/sh\necho NVIDIA L4\n")
    asked.chmod(0o755)
    assert measure([], gpus=1).gpu == "NVIDIA L4"
    asked.write_text("#!/bin/sh\necho no devices were found\nexit 6\n")
    assert measure([], gpus=1).gpu == ""


@pytest.mark.parametrize("told", ["3", "3,2"])
def test_threads_are_those_that_candidates_are_told_of(
    told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert measure([]).threads == len(os.sched_getaffinity(0))
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert measure([]).threads == 3
    assert measure([], variables={"OMP_NUM_THREADS": "5"}).threads == 5
    assert measure([], variables={"OMP_NUM_THREADS": "0"}).threads > 0


def test_packages_are_the_distributions_behind_the_imports() -> None:
    found = measure(
        ["numpy.linalg", "sklearn", "os.path", "of_the_project.model", "..odd"]
    ).packages
    assert set(found) == {"numpy", "python", "scikit-learn"}
    assert found["numpy"] == metadata.version("numpy")
    assert found["scikit-learn"] == metadata.version("scikit-learn")


def test_a_file_that_imports_ten_thousand_names_does_not_hold_a_search_up() -> None:
    began = time.perf_counter()
    found = measure(f"nothing_{n}" for n in range(100_000))
    assert set(found.packages) == {"python"}
    assert time.perf_counter() - began < 5


def test_nothing_is_imported_for_it() -> None:
    code = (
        "import sys; from pytest_autoresearch.regression.fingerprint import measure\n"
        "measure(['numpy', 'sklearn'], 1)\n"
        "print(sorted({'numpy', 'sklearn', 'torch', 'pygit2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
