"""The JUnit properties of a testcase and of the whole suite."""

from __future__ import annotations

from ..records import Record, Summary
from .gains import vault_property
from .text import exact, short

PREFIX = "autoresearch."
Property = tuple[str, str]


def properties(record: Record) -> list[Property]:
    """The testcase's properties in the documented order; what was not measured is absent."""
    logged = [(f"log.{name}", value) for name, value in record.log.items()]
    return _present([*_verdict(record), *_origin(record), *_measured(record), *logged])


def suite_properties(summary: Summary) -> list[Property]:
    """The suite's properties; what was not measured is absent."""
    priced = any(record.cost_usd is not None for record in summary.records)
    return _present(
        [
            ("run", summary.run),
            ("branch", summary.branch),
            ("baseline", summary.baseline),
            ("champion", summary.champion),
            ("kept", summary.kept),
            ("tried", summary.tried),
            ("cost", summary.cost_usd if priced or summary.cost_usd else None),
            ("vault", vault_property(summary.looks)),
        ]
    )


def _verdict(record: Record) -> list[tuple[str, str | float | None]]:
    return [
        ("experiment", record.experiment),
        ("status", record.status.word),
        ("reason", record.reason),
        ("metric", record.metric),
        ("direction", record.direction),
        ("score", record.score),
        ("champion", record.champion),
        ("delta", record.delta),
        ("z", record.z),
        ("passes", len(record.passes) or None),
    ]


def _origin(record: Record) -> list[tuple[str, str | float | None]]:
    return [
        ("commit", short(record.commit)),
        ("base", short(record.base)),
        ("origin", " ".join(str(parent) for parent in record.origin)),
        ("agent", record.agent),
        ("description", record.description),
        ("hypothesis", record.hypothesis),
        ("theme", record.theme),
    ]


def _measured(record: Record) -> list[tuple[str, str | float | None]]:
    return [
        ("fit_seconds", record.fit_seconds),
        ("seconds", record.seconds or None),
        ("peak_memory_mb", record.peak_memory_mb),
        ("peak_gpu_memory_mb", record.peak_gpu_memory_mb),
        ("cost_usd", record.cost_usd),
        ("isolation", record.isolation),
        ("trust", record.trust),
    ]


def _present(pairs: list[tuple[str, str | float | None]]) -> list[Property]:
    return [
        (PREFIX + name, value if isinstance(value, str) else exact(value))
        for name, value in pairs
        if value is not None and value != ""
    ]
