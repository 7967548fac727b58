"""Handwritten digits, ten classes, log-loss over five stratified folds. Frozen: no agent changes it."""

from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
from sklearn.metrics import log_loss

ANSWERS = Path(sklearn.datasets.__file__).parent / "data"


@pytest.mark.timeout(10)
@pytest.mark.autoresearch(metric="log_loss", direction="minimize", editable=["model.py"])
@pytest.mark.sandbox(hidden=[str(ANSWERS)])
def test_digits(candidate, experiment, digits):
    for fold in experiment.race(digits.folds):
        model = candidate.fit(fold.train_X, fold.train_y)
        chances = model.predict(fold.test_X, columns=10)
        # log_loss only warns about this, and would call ten chances of 1.0 perfect.
        assert np.allclose(chances.sum(axis=1), 1), "the chances of a row do not add up to 1"
        experiment.score(log_loss(fold.test_y, chances, labels=range(10)))
    assert experiment.improves
