"""The frozen data of the example in `experiments/digits`, and the options of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDS = 5


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the examples; pytest reads them only from here, at the root."""
    parser.addini(
        "conversion_data", "A bank's table for experiments/conversion; else a simulated one."
    )


@dataclass(frozen=True)
class Fold:
    """Images to learn from and images to predict: rows of 64 pixels, classes 0 to 9."""

    train_X: NDArray[np.float64]
    train_y: NDArray[np.int64]
    test_X: NDArray[np.float64]
    test_y: NDArray[np.int64]


@dataclass(frozen=True)
class Digits:
    """The 1797 handwritten digits that come with scikit-learn, 8 by 8 pixels of 0 to 16."""

    X: NDArray[np.float64]
    y: NDArray[np.int64]

    def folds(self, split: int) -> list[Fold]:
        """Five stratified folds; every split shuffles the images anew, the same way each time."""
        from sklearn.model_selection import StratifiedKFold

        cuts = StratifiedKFold(FOLDS, shuffle=True, random_state=split).split(self.X, self.y)
        return [Fold(self.X[a], self.y[a], self.X[b], self.y[b]) for a, b in cuts]


@pytest.fixture(scope="session")
def digits() -> Digits:
    from sklearn.datasets import load_digits

    return Digits(*load_digits(return_X_y=True))
