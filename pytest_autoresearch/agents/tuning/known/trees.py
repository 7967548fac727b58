"""Trees: scikit-learn's, LightGBM's and XGBoost's."""

from __future__ import annotations

from dataclasses import replace

from .knobs import (
    ANY,
    WEIGHTS,
    Family,
    Need,
    Times,
    choice,
    factor,
    family,
    log,
    real,
    switch,
    whole,
)

SLOWER = {"learning_rate": Times(0.5), "n_estimators": Times(2.0)}
DEPTH = choice("max_depth", None, 4, 6, 8, 12, 20)
LEAF = whole("min_samples_leaf", 1, 1, 20)
SPLIT = whole("min_samples_split", 2, 2, 20)
GINI = choice("criterion", "gini", "entropy")
ERROR = choice("criterion", "squared_error", "friedman_mse", "absolute_error")
PRUNING = log("ccp_alpha", 0.0, 1e-5, 0.1)
SQUARED = choice("loss", "squared_error", "absolute_error", "huber")

FOREST_MOVES = (
    {"n_estimators": Times(3.0)},
    {"min_samples_leaf": 3},
    {"max_features": 0.5},
    {"max_depth": 12},
    {"max_features": 0.3, "min_samples_leaf": 2},
)


def _forest(bootstrap: bool, *, classes: bool) -> Family:
    features = ("sqrt", "log2", 0.3, 0.5, 0.7) if classes else (1.0, "sqrt", 0.3, 0.5, 0.7)
    return family(
        factor("n_estimators", 100, 5, 2000),
        choice("max_features", *features),
        LEAF,
        DEPTH,
        SPLIT,
        GINI if classes else ERROR,
        switch("bootstrap", bootstrap),
        choice("max_samples", None, 0.5, 0.7, 0.9).only(bootstrap=(True,)),
        *((WEIGHTS,) if classes else ()),
        PRUNING,
        moves=FOREST_MOVES,
    )


def _tree(*, classes: bool) -> Family:
    return family(
        choice("max_depth", None, 3, 5, 8, 12),
        whole("min_samples_leaf", 1, 1, 50),
        SPLIT,
        choice("max_features", None, "sqrt", "log2", 0.5),
        GINI if classes else ERROR,
        PRUNING,
        *((WEIGHTS,) if classes else ()),
        moves=({"min_samples_leaf": 5}, {"max_depth": 8}, {"ccp_alpha": 0.01}),
    )


def _boosting(*, classes: bool) -> Family:
    return family(
        log("learning_rate", 0.1, 0.005, 0.5),
        factor("n_estimators", 100, 5, 2000),
        whole("max_depth", 3, 1, 9),
        real("subsample", 1.0, 0.3, 1.0),
        choice("max_features", None, "sqrt", "log2", 0.5),
        LEAF,
        SPLIT,
        *(() if classes else (SQUARED,)),
        moves=(SLOWER, {"subsample": 0.7}, {"max_depth": 5}, {"max_features": "sqrt"}),
    )


def _histogram(*, classes: bool) -> Family:
    return family(
        log("learning_rate", 0.1, 0.005, 0.5),
        factor("max_iter", 100, 5, 2000),
        factor("max_leaf_nodes", 31, 3, 255),
        factor("min_samples_leaf", 20, 1, 300),
        log("l2_regularization", 0.0, 1e-3, 100.0),
        real("max_features", 1.0, 0.2, 1.0),
        choice("max_depth", None, 3, 5, 8, 12),
        whole("max_bins", 255, 31, 255),
        switch("early_stopping", False).if_written(),
        WEIGHTS if classes else choice("loss", "squared_error", "absolute_error"),
        moves=(
            {"learning_rate": Times(0.5), "max_iter": Times(2.0)},
            {"l2_regularization": 1.0},
            {"max_leaf_nodes": Times(0.5)},
            {"max_features": 0.5},
            {"min_samples_leaf": Times(2.0)},
            {"max_leaf_nodes": Times(2.0)},
        ),
    )


def _adaptive() -> Family:
    return family(
        factor("n_estimators", 50, 5, 2000),
        log("learning_rate", 1.0, 0.01, 2.0),
        moves=(SLOWER,),
    )


DROPS = {"boosting_type": ("dart",)}
LIGHT = family(
    log("learning_rate", 0.1, 0.005, 0.5),
    factor("n_estimators", 100, 5, 5000),
    factor("num_leaves", 31, 2, 512),
    factor("min_child_samples", 20, 1, 500),
    real("colsample_bytree", 1.0, 0.3, 1.0),
    real("subsample", 1.0, 0.3, 1.0).needing(Need(ANY, "subsample_freq", 1, barred=(0,))),
    log("reg_lambda", 0.0, 1e-3, 100.0),
    log("reg_alpha", 0.0, 1e-3, 10.0),
    choice("max_depth", -1, 3, 5, 8, 12),
    switch("extra_trees", False),
    log("path_smooth", 0.0, 0.1, 100.0),
    log("min_split_gain", 0.0, 1e-3, 1.0),
    whole("max_bin", 255, 31, 511),
    choice("boosting_type", "gbdt", "dart"),
    real("drop_rate", 0.1, 0.02, 0.5).only(**DROPS),
    real("skip_drop", 0.5, 0.1, 0.9).only(**DROPS),
    log("min_child_weight", 1e-3, 1e-4, 10.0),
    whole("subsample_freq", 0, 0, 7).if_written(),
    moves=(
        SLOWER,
        {"num_leaves": Times(0.5)},
        {"colsample_bytree": 0.7, "subsample": 0.8},
        {"min_child_samples": Times(2.0)},
        {"reg_lambda": 5.0},
        {"num_leaves": Times(2.0)},
        {"num_leaves": Times(0.5), "learning_rate": Times(0.5), "n_estimators": Times(2.0)},
    ),
)
LIGHT_ALIASES = {
    "bagging_fraction": "subsample",
    "bagging_freq": "subsample_freq",
    "boosting": "boosting_type",
    "eta": "learning_rate",
    "feature_fraction": "colsample_bytree",
    "lambda_l1": "reg_alpha",
    "lambda_l2": "reg_lambda",
    "min_data_in_leaf": "min_child_samples",
    "min_gain_to_split": "min_split_gain",
    "min_sum_hessian_in_leaf": "min_child_weight",
    "num_boost_round": "n_estimators",
    "num_iterations": "n_estimators",
    "num_round": "n_estimators",
    "num_trees": "n_estimators",
    "shrinkage_rate": "learning_rate",
}
LIGHT_SPELLING = {
    "boosting_type": "boosting",
    "colsample_bytree": "feature_fraction",
    "min_child_samples": "min_data_in_leaf",
    "min_child_weight": "min_sum_hessian_in_leaf",
    "min_split_gain": "min_gain_to_split",
    "reg_alpha": "lambda_l1",
    "reg_lambda": "lambda_l2",
    "subsample": "bagging_fraction",
    "subsample_freq": "bagging_freq",
}
EXTREME = family(
    log("learning_rate", 0.3, 0.01, 0.6),
    factor("n_estimators", 100, 5, 5000),
    whole("max_depth", 6, 2, 12),
    log("min_child_weight", 1.0, 0.1, 50.0),
    real("subsample", 1.0, 0.3, 1.0),
    real("colsample_bytree", 1.0, 0.3, 1.0),
    log("reg_lambda", 1.0, 0.01, 100.0),
    log("reg_alpha", 0.0, 1e-3, 10.0),
    log("gamma", 0.0, 1e-3, 10.0),
    choice("grow_policy", "depthwise", "lossguide"),
    factor("max_leaves", 31, 4, 512).only(grow_policy=("lossguide",)).if_written(),
    whole("max_bin", 256, 32, 512),
    moves=(
        SLOWER,
        {"max_depth": 4},
        {"colsample_bytree": 0.7, "subsample": 0.8},
        {"min_child_weight": Times(5.0)},
        {"reg_lambda": Times(5.0)},
        {"max_depth": 8},
    ),
)
EXTREME_ALIASES = {
    "alpha": "reg_alpha",
    "eta": "learning_rate",
    "lambda": "reg_lambda",
    "min_split_loss": "gamma",
    "num_boost_round": "n_estimators",
}


def _weighted(known: Family) -> Family:
    return replace(known, knobs={**known.knobs, WEIGHTS.name: WEIGHTS})


def _rounds(default: int) -> Family:
    """Of a call that takes a dict: the number of trees, which stands beside the dict."""
    return Family(
        {"n_estimators": factor("n_estimators", default, 5, 5000)},
        aliases={"num_boost_round": "n_estimators"},
        spelling={"n_estimators": "num_boost_round"},
        positional=("params", "train_set", "num_boost_round"),
    )


def _in_dict(known: Family) -> Family:
    """What a dict holds: all but the number of trees, which is searched only if it is there."""
    trees = known.knobs["n_estimators"].if_written()
    return replace(known, knobs={**known.knobs, "n_estimators": trees})


LIGHT = replace(LIGHT, aliases=LIGHT_ALIASES)
EXTREME = replace(EXTREME, aliases=EXTREME_ALIASES)

TREES: dict[str, Family] = {
    "sklearn.RandomForestClassifier": _forest(True, classes=True),
    "sklearn.RandomForestRegressor": _forest(True, classes=False),
    "sklearn.ExtraTreesClassifier": _forest(False, classes=True),
    "sklearn.ExtraTreesRegressor": _forest(False, classes=False),
    "sklearn.DecisionTreeClassifier": _tree(classes=True),
    "sklearn.DecisionTreeRegressor": _tree(classes=False),
    "sklearn.GradientBoostingClassifier": _boosting(classes=True),
    "sklearn.GradientBoostingRegressor": _boosting(classes=False),
    "sklearn.HistGradientBoostingClassifier": _histogram(classes=True),
    "sklearn.HistGradientBoostingRegressor": _histogram(classes=False),
    "sklearn.AdaBoostClassifier": _adaptive(),
    "sklearn.AdaBoostRegressor": _adaptive(),
    "lightgbm.LGBMClassifier": _weighted(LIGHT),
    "lightgbm.LGBMRegressor": LIGHT,
    "lightgbm.LGBMRanker": LIGHT,
    "lightgbm.train": _rounds(100),
    "lightgbm.cv": _rounds(100),
    "xgboost.XGBClassifier": EXTREME,
    "xgboost.XGBRegressor": EXTREME,
    "xgboost.XGBRanker": EXTREME,
    "xgboost.train": _rounds(10),
    "xgboost.cv": _rounds(10),
}
DICTS: dict[str, Family] = {
    "lightgbm.train": replace(_in_dict(LIGHT), spelling=LIGHT_SPELLING),
    "lightgbm.cv": replace(_in_dict(LIGHT), spelling=LIGHT_SPELLING),
    "xgboost.train": _in_dict(EXTREME),
    "xgboost.cv": _in_dict(EXTREME),
}
"""What the calls that take a dict find in it."""
