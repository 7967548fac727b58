"""What the names of parameters tell about their values: plain tables."""

from __future__ import annotations

import re

from .knobs import Value

IGNORED = re.compile(
    r"__\w+__|verbos\w*|n_jobs|n_?threads?|num_(threads|workers)|nproc|workers"
    r"|axis|dims?|ndmin|dtype|shape|device|devices|gpu|version|copy\w*|out|keepdims|ddof|columns?"
    r"|index|level|(log|print|eval|save)_(every|freq\w*|interval|steps?|level)|eval_metric|ensure_\w*|check_\w*|return_\w*|inplace|ascending|reverse"
    r"|sep|end|how|header|skip_?rows|allow_pickle|exist_ok|parents|strict|num_class(es)?|n_class(es)?"
    r"|n_features|n_outputs|n_targets|in_features|out_features|seconds|timeout|budget|debug|dry_run"
    r"|eps|epsilon|tiny|inf|nan|minlength|cache_size|warm_start|deterministic|frozen|slots|kw_only"
    r"|sparse|sparse_output|memory|disable\w*|progress\w*|start|stop|total|count|pos_label|missing"
    r"|(missing|fill)_values?|batch_first|pin_memory|persistent_\w*|requires_grad|no_grad",
    re.IGNORECASE,
)
"""Names whose values are not for tuning: plumbing, shapes, output."""

SEEDS = re.compile(r".*seed|random_state", re.IGNORECASE)
"""Names of random seeds, which belong to the judge."""

NEEDED = re.compile(
    r"objective|metric|loss|solver|remainder|transformers|steps|estimators?|(base_)?estimator"
    r"|columns?|encoding|encode|params|train_set|data|label|input|dtype|probability|voting"
    r"|handle_unknown|sparse_output|index\w*|group\w*|categorical_\w*"
    r"|t_max|step_size|milestones|lr_lambda|max_lr|total_steps|normalized_shape|kernel_size"
    r"|(in|out)_channels|(input|hidden)_size|num_embeddings|embed(ding)?_dim|num_heads|d_model|nhead",
    re.IGNORECASE,
)
"""Arguments without which a call does something else: they are not dropped."""

FRACTIONS: dict[str, tuple[float, float]] = {
    "bagging_fraction": (0.3, 1.0),
    "beta_1": (0.5, 0.99),
    "colsample_bylevel": (0.3, 1.0),
    "colsample_bynode": (0.3, 1.0),
    "colsample_bytree": (0.3, 1.0),
    "drop_rate": (0.0, 0.8),
    "dropout": (0.0, 0.8),
    "feature_fraction": (0.3, 1.0),
    "l1_ratio": (0.0, 1.0),
    "label_smoothing": (0.0, 0.3),
    "max_features": (0.1, 1.0),
    "max_samples": (0.2, 1.0),
    "momentum": (0.0, 0.99),
    "other_rate": (0.0, 0.5),
    "p": (0.0, 0.8),
    "quantile": (0.02, 0.98),
    "shrinkage": (0.0, 1.0),
    "skip_drop": (0.1, 0.9),
    "subsample": (0.3, 1.0),
    "test_size": (0.05, 0.5),
    "top_rate": (0.05, 0.6),
    "train_size": (0.5, 0.95),
    "validation_fraction": (0.05, 0.4),
    "warmup": (0.0, 0.5),
    "warmup_ratio": (0.0, 0.5),
}
"""Where floats of these names, given from 0 to 1, are searched."""

PENALTIES = re.compile(
    r"alpha(_\d)?|(reg_)?(alpha|lambda)|lambda_?(_?l?[12])?|l[12]|l2_regularization|weight_decay|wd"
    r"|ccp_alpha|min_split_gain|min_gain_to_split|min_impurity_decrease|var_smoothing|penalty_weight",
    re.IGNORECASE,
)
"""Strengths of regularisation: 0 may become as much as 1."""

REALS = re.compile(
    r"c|gamma|lr|eta|learning_rate(_init)?|scale_pos_weight|temperature|min_child_weight"
    r"|dropout|subsample|colsample_\w+|(feature|bagging)_fraction|" + PENALTIES.pattern,
    re.IGNORECASE,
)
"""Names of real numbers, also where a person wrote ``C=1``."""

COUNTS = re.compile(
    r"n_estimators|num_(leaves|iterations|rounds|boost_round|epochs)|n_?(epochs?|rounds|iterations)"
    r"|iterations|epochs|steps|max_iter|max_leaf_nodes|max_leaves|hidden\w*|width|units|batch_size"
    r"|min_(samples_leaf|samples_split|child_samples|data_in_leaf)|n_components|n_bins|max_bins?",
    re.IGNORECASE,
)
"""Whole numbers that people change by factors, however small they are."""

AT_LEAST_TWO = re.compile(r"num_leaves|max_leaf_nodes|max_leaves|min_samples_split|\w*_bins?")
"""Whole numbers that mean nothing below 2."""

IGNORED_CALLS = re.compile(
    r"print|open|read_\w+|load\w*|save\w*|dumps?|zeros\w*|ones\w*|full\w*|empty\w*|arange|linspace"
    r"|a?s?array|DataFrame|Series|reshape|astype|concatenate|stack|concat|merge|join|sort\w*|argsort"
    r"|sorted|round|get|pop|range|enumerate|len|sum|mean|std|var|max|min|any|all|einsum|getLogger"
    r"|ArgumentParser|add_argument|dataclass|sleep|run|Popen|warn|filterwarnings"
)
"""Calls whose arguments are not for tuning."""

FIRST = (
    "learning_rate",
    "learning_rate_init",
    "lr",
    "eta",
    "c",
    "alpha",
    "n_estimators",
    "num_leaves",
    "max_depth",
    "max_iter",
    "gamma",
    "n_neighbors",
    "dropout",
    "weight_decay",
    "hidden_layer_sizes",
    "min_samples_leaf",
    "min_child_samples",
    "reg_lambda",
    "max_features",
    "n_components",
)
"""What a person would change first, in that order."""

RATES = frozenset({"learning_rate", "learning_rate_init", "lr", "eta"})
"""Learning rates: at most 1, and the first move is down from what is large."""

CHOICES: dict[str, tuple[tuple[Value, ...], ...]] = {
    "activation": (
        ("relu", "tanh", "logistic"),
        ("relu", "gelu", "silu", "tanh", "elu", "leaky_relu", "selu"),
    ),
    "boosting": (("gbdt", "dart"),),
    "boosting_type": (("gbdt", "dart"),),
    "class_weight": ((None, "balanced"),),
    "covariance_type": (("full", "tied", "diag", "spherical"),),
    "criterion": (
        ("gini", "entropy", "log_loss"),
        ("squared_error", "absolute_error", "friedman_mse", "poisson"),
    ),
    "data_sample_strategy": (("bagging", "goss"),),
    "early_stopping": ((True, False), ("auto", True, False)),
    "fit_intercept": ((True, False),),
    "gamma": (("scale", "auto"),),
    "grow_policy": (("depthwise", "lossguide"),),
    "kernel": (("rbf", "linear", "poly", "sigmoid"), ("rbf", "laplacian", "cosine")),
    "learning_rate": (("constant", "invscaling", "adaptive"),),
    "loss": (
        ("log_loss", "modified_huber"),
        ("hinge", "squared_hinge"),
        ("squared_error", "absolute_error", "huber"),
    ),
    "max_features": (("sqrt", "log2", None, 0.3, 0.5, 0.8),),
    "method": (("yeo-johnson", "box-cox"), ("sigmoid", "isotonic")),
    "metric": (("minkowski", "euclidean", "manhattan", "chebyshev", "cosine"),),
    "norm": (("l1", "l2", "max"),),
    "output_distribution": (("uniform", "normal"),),
    "penalty": (("l2", "l1"),),
    "sampling_method": (("uniform", "gradient_based"),),
    "selection": (("cyclic", "random"),),
    "shrinkage": (("auto", None, 0.1, 0.5),),
    "solver": (
        ("lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"),
        ("adam", "lbfgs", "sgd"),
        ("svd", "lsqr", "eigen"),
        ("auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga"),
    ),
    "strategy": (("mean", "median", "most_frequent"), ("quantile", "uniform", "kmeans")),
    "weights": (("uniform", "distance"),),
    "multi_strategy": (("one_output_per_tree", "multi_output_tree"),),
    "analyzer": (("word", "char", "char_wb"),),
    "schedule": (("constant", "linear", "cosine"),),
}
"""Values that may stand in for each other, by name; the first group that holds the value counts."""

CHOICES_OF: dict[tuple[str, str], tuple[Value, ...]] = {
    ("MLPClassifier", "solver"): ("adam", "lbfgs", "sgd"),
    ("MLPRegressor", "solver"): ("adam", "lbfgs", "sgd"),
    ("Ridge", "solver"): ("auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga"),
    ("RidgeClassifier", "solver"): ("auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga"),
    ("LinearDiscriminantAnalysis", "solver"): ("svd", "lsqr", "eigen"),
    ("GradientBoostingClassifier", "criterion"): ("friedman_mse", "squared_error"),
    ("GradientBoostingRegressor", "criterion"): ("friedman_mse", "squared_error"),
    ("KernelRidge", "kernel"): ("rbf", "laplacian", "linear", "poly", "sigmoid", "cosine"),
    ("SGDClassifier", "penalty"): ("l2", "l1", "elasticnet"),
    ("SGDClassifier", "learning_rate"): ("optimal", "constant", "invscaling", "adaptive"),
}
"""The same where the call makes a difference: by the call's last name and the parameter's."""

SWITCHES = re.compile(r"(use|with|add|enable|include|normali[sz]e|standardi[sz]e|is)_?\w*", re.I)
"""Booleans that are switches even where they are local variables of a function."""


def plain(name: str) -> str:
    """A parameter's name without a pipeline's prefix, in lower case: of ``clf__C`` it is ``c``."""
    return name.rpartition("__")[2].lower() if not name.endswith("__") else name
