"""Gradient boosted trees that say who will buy. An agent may change this file."""

from lightgbm import LGBMClassifier


def classifier(seed):
    return LGBMClassifier(
        n_estimators=100,
        num_leaves=31,
        learning_rate=0.1,
        min_child_samples=20,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.8,
        random_state=seed,
        n_jobs=2,
        verbose=-1,
    )


def size():
    """Trees, and leaves of a tree, before anything is fitted: both are capped."""
    settings = classifier(0).get_params()
    return [settings["n_estimators"], settings["num_leaves"]]


def fit(X, y, *, seed):
    return classifier(seed).fit(X, y)


def predict(state, X):
    return state.predict_proba(X)[:, 1]
