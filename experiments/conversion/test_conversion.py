"""Who buys a deposit when called, AUC over windows of time. Frozen: no agent changes it.

The caps keep experiments short. Columns are counted here, and the model gets no others. Trees and leaves are
what ``model.py`` says that they are, so that too many of them cost nothing; whatever it says, a fit ends at
the timeout, and a fitted model of more than 4 MiB (about 500 trees of 64 leaves) is refused.
"""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

MOST_COLUMNS, MOST_TREES, MOST_LEAVES = 300, 500, 64


@pytest.mark.timeout(20)
@pytest.mark.autoresearch(
    metric="auc",
    direction="maximize",
    editable=["features.py", "model.py"],
    entry="model.py",
    analysis="conversion_past",
)
@pytest.mark.sandbox(artifact="4M")
def test_conversion(candidate, experiment, conversion):
    for number, window in enumerate(experiment.race(conversion.windows)):
        if number == 0:
            require_small(candidate)
            require_rowwise(candidate, window.test_X)
        model = candidate.fit(features(candidate, window.train_X), window.train_y)
        chances = model.predict(features(candidate, window.test_X))
        experiment.score(roc_auc_score(window.test_y, chances))
    assert experiment.improves


@pytest.mark.autoresearch(of="test_conversion", stage="vault")
def test_conversion_vault(candidate, experiment, conversion_vault):
    test_conversion(candidate, experiment, conversion_vault)


def features(candidate, X):
    return candidate.call("features.py:features", X, shape=(None, None), max_columns=MOST_COLUMNS)


def require_small(candidate):
    trees, leaves = candidate.call("model.py:size", shape=(2,), dtype="int64")
    assert trees <= MOST_TREES, f"model.py asks for {trees} trees, more than {MOST_TREES}"
    assert leaves <= MOST_LEAVES, f"model.py asks for {leaves} leaves, more than {MOST_LEAVES}"


def require_rowwise(candidate, X):
    """What a call's features are may not depend on the calls beside it, which may lie in the future."""
    some = X[-20:]
    same = np.allclose(features(candidate, X)[-20:], features(candidate, some))
    assert same, "features.py: the features of a row change with the rows beside it"
