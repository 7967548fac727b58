"""scikit-learn's transformers and wrappers, and the classes that may stand in for each other."""

from __future__ import annotations

from .knobs import Family, choice, factor, family, real, switch, whole

WORDS = (
    whole("min_df", 1, 1, 5),
    real("max_df", 1.0, 0.5, 1.0),
    choice("analyzer", "word", "char_wb", "char"),
    switch("lowercase", True),
    switch("binary", False),
)

OTHER: dict[str, Family] = {
    "sklearn.PCA": family(
        choice("n_components", None, 0.9, 0.95, 0.99), switch("whiten", False), moves=()
    ),
    "sklearn.PolynomialFeatures": family(
        whole("degree", 2, 1, 3), switch("interaction_only", False), switch("include_bias", True)
    ),
    "sklearn.SplineTransformer": family(whole("n_knots", 5, 2, 12), whole("degree", 3, 1, 4)),
    "sklearn.KBinsDiscretizer": family(
        whole("n_bins", 5, 2, 20), choice("strategy", "quantile", "uniform", "kmeans")
    ),
    "sklearn.SimpleImputer": family(
        choice("strategy", "mean", "median", "most_frequent"), switch("add_indicator", False)
    ),
    "sklearn.KNNImputer": family(
        whole("n_neighbors", 5, 1, 20), choice("weights", "uniform", "distance")
    ),
    "sklearn.QuantileTransformer": family(
        choice("output_distribution", "uniform", "normal"), factor("n_quantiles", 1000, 10, 5000)
    ),
    "sklearn.PowerTransformer": family(switch("standardize", True)),
    "sklearn.OneHotEncoder": family(choice("min_frequency", None, 3, 10, 30)),
    "sklearn.TargetEncoder": family(choice("smooth", "auto", 1.0, 10.0, 100.0)),
    "sklearn.SelectKBest": family(factor("k", 10, 1, 1000)),
    "sklearn.SelectPercentile": family(whole("percentile", 10, 5, 100)),
    "sklearn.CountVectorizer": family(*WORDS),
    "sklearn.TfidfVectorizer": family(switch("sublinear_tf", False), *WORDS),
    "sklearn.BaggingClassifier": family(
        factor("n_estimators", 10, 3, 500), choice("max_samples", None, 0.3, 0.5, 0.7, 0.9)
    ),
    "sklearn.BaggingRegressor": family(
        factor("n_estimators", 10, 3, 500), choice("max_samples", None, 0.3, 0.5, 0.7, 0.9)
    ),
    "sklearn.CalibratedClassifierCV": family(choice("method", "sigmoid", "isotonic")),
}

SWAPS: tuple[tuple[str, ...], ...] = (
    ("sklearn.StandardScaler", "sklearn.MinMaxScaler", "sklearn.RobustScaler"),
    ("sklearn.RandomForestClassifier", "sklearn.ExtraTreesClassifier"),
    ("sklearn.RandomForestRegressor", "sklearn.ExtraTreesRegressor"),
    ("torch.AdamW", "torch.Adam", "torch.NAdam", "torch.RAdam"),
    ("torch.ReLU", "torch.GELU", "torch.SiLU", "torch.Mish"),
)
"""Classes of one module that take the same arguments, the usual first move first."""


def stand_ins(callee: str) -> tuple[str, ...]:
    """The classes, by their own names, that may take the place of one, itself among them."""
    name = f"{callee.partition('.')[0]}.{callee.rpartition('.')[2]}"
    group = next((group for group in SWAPS if name in group), ())
    return tuple(one.rpartition(".")[2] for one in group)
