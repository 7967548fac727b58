"""All attacks, by class."""

from __future__ import annotations

from . import (
    escapes,
    evaluation,
    forging,
    host,
    labels,
    network,
    patches,
    pickles,
    predictions,
    processes,
    resources,
    signals,
    state,
)

ATTACKS = (
    *(*evaluation.ATTACKS, *labels.ATTACKS, *host.ATTACKS, *state.ATTACKS, *network.ATTACKS),
    *(*processes.ATTACKS, *signals.ATTACKS, *forging.ATTACKS, *pickles.ATTACKS),
    *(*predictions.ATTACKS, *escapes.ATTACKS, *patches.ATTACKS, *resources.ATTACKS),
)
