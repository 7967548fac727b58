"""scikit-learn's linear models, support vector machines, neighbours, networks and the like."""

from __future__ import annotations

from .knobs import (
    INTERCEPT,
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

L1_SOLVERS = ("liblinear", "saga")
L2_ONLY = ("lbfgs", "newton-cg", "newton-cholesky", "sag")
STRENGTH = ({"C": Times(0.3)}, {"C": Times(3.0)}, {"class_weight": "balanced"})
WEAKNESS = ({"alpha": Times(5.0)}, {"alpha": Times(0.2)})
BATCHED = ("adam", "sgd")

LOGISTIC = family(
    log("C", 1.0, 1e-3, 1e3),
    WEIGHTS,
    choice("solver", "lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga")
    .needing(
        *(Need(solver, "penalty", "l2", allowed=("l2", None)) for solver in L2_ONLY),
        Need("liblinear", "penalty", "l2", allowed=("l2", "l1")),
    )
    .if_written(),
    choice("penalty", "l2", "l1", "elasticnet", None)
    .needing(
        Need("l1", "solver", "saga", allowed=L1_SOLVERS),
        Need("elasticnet", "solver", "saga", allowed=("saga",)),
        Need("elasticnet", "l1_ratio", 0.5, barred=(None,)),
        Need(None, "solver", "lbfgs", allowed=(*L2_ONLY, "saga")),
    )
    .if_written(),
    real("l1_ratio", 0.5, 0.0, 1.0).only(penalty=("elasticnet",)).if_written(),
    factor("max_iter", 100, 10, 10_000),
    INTERCEPT,
    moves=STRENGTH,
)
KERNEL = (
    choice("kernel", "rbf", "poly", "linear", "sigmoid"),
    choice("gamma", "scale", "auto", 0.001, 0.01, 0.1, 1.0).only(kernel=("rbf", "poly", "sigmoid")),
    whole("degree", 3, 2, 5).only(kernel=("poly",)),
    real("coef0", 0.0, 0.0, 2.0).only(kernel=("poly", "sigmoid")),
)
NEIGHBORS = family(
    factor("n_neighbors", 5, 1, 100),
    choice("weights", "uniform", "distance"),
    choice("metric", "minkowski", "chebyshev", "cosine"),
    choice("p", 2, 1).only(metric=("minkowski",)),
    moves=({"n_neighbors": Times(2.0)}, {"weights": "distance"}, {"p": 1}),
)
NETWORK = family(
    log("learning_rate_init", 0.001, 1e-4, 0.1).only(solver=BATCHED),
    factor("hidden_layer_sizes", 100, 4, 2000),
    log("alpha", 1e-4, 1e-6, 1.0),
    factor("max_iter", 200, 5, 5000),
    choice("batch_size", "auto", 16, 32, 64, 128, 256).only(solver=BATCHED),
    choice("activation", "relu", "tanh", "logistic"),
    choice("solver", "adam", "lbfgs", "sgd"),
    switch("early_stopping", False).only(solver=BATCHED),
    choice("learning_rate", "constant", "invscaling", "adaptive").only(solver=("sgd",)),
    real("momentum", 0.9, 0.5, 0.99).only(solver=("sgd",)),
    real("beta_1", 0.9, 0.7, 0.98).only(solver=("adam",)),
    moves=(
        {"learning_rate_init": Times(3.0)},
        {"hidden_layer_sizes": Times(2.0)},
        {"max_iter": Times(2.0)},
        {"alpha": Times(100.0)},
        {"batch_size": 16},
        {"learning_rate_init": Times(3.0), "hidden_layer_sizes": Times(2.0)},
        {"solver": "lbfgs", "alpha": Times(100.0)},
        {"activation": "tanh"},
    ),
)
STOCHASTIC = (
    log("alpha", 1e-4, 1e-7, 0.1),
    choice("penalty", "l2", "l1", "elasticnet"),
    real("l1_ratio", 0.15, 0.0, 1.0).only(penalty=("elasticnet",)),
    factor("max_iter", 1000, 5, 20_000),
    switch("average", False),
)
RIDGE = (log("alpha", 1.0, 1e-4, 1e4), INTERCEPT)
LASSO = (log("alpha", 1.0, 1e-5, 10.0), INTERCEPT, choice("selection", "cyclic", "random"))
MARGIN = log("epsilon", 0.1, 1e-3, 1.0)
BAYES = (log("alpha", 1.0, 1e-3, 10.0), switch("fit_prior", True))

LINEAR: dict[str, Family] = {
    "sklearn.LogisticRegression": LOGISTIC,
    "sklearn.Ridge": family(*RIDGE, moves=WEAKNESS),
    "sklearn.RidgeClassifier": family(*RIDGE, WEIGHTS, moves=WEAKNESS),
    "sklearn.Lasso": family(*LASSO, moves=WEAKNESS),
    "sklearn.ElasticNet": family(
        LASSO[0], real("l1_ratio", 0.5, 0.01, 1.0), *LASSO[1:], moves=WEAKNESS
    ),
    "sklearn.SGDClassifier": family(*STOCHASTIC, WEIGHTS, moves=WEAKNESS),
    "sklearn.SGDRegressor": family(*STOCHASTIC, moves=WEAKNESS),
    "sklearn.HuberRegressor": family(log("alpha", 1e-4, 1e-6, 10.0), log("epsilon", 1.35, 1.01, 5)),
    "sklearn.LinearSVC": family(log("C", 1.0, 1e-3, 1e3), WEIGHTS, INTERCEPT, moves=STRENGTH),
    "sklearn.LinearSVR": family(log("C", 1.0, 1e-3, 1e3), INTERCEPT, moves=STRENGTH[:2]),
    "sklearn.SVC": family(
        log("C", 1.0, 1e-2, 1e3),
        *KERNEL,
        WEIGHTS,
        moves=({"C": Times(5.0)}, {"gamma": 0.1}, {"C": Times(0.2)}, {"kernel": "poly"}),
    ),
    "sklearn.SVR": family(
        log("C", 1.0, 1e-2, 1e3),
        *KERNEL,
        MARGIN,
        moves=({"C": Times(10.0)}, {"gamma": 0.1}, {"epsilon": Times(0.3)}),
    ),
    "sklearn.KernelRidge": family(
        log("alpha", 1.0, 1e-4, 1e3),
        choice("kernel", "linear", "rbf", "laplacian", "poly", "sigmoid", "cosine"),
        whole("degree", 3, 2, 5).only(kernel=("poly",)),
        choice("gamma", None, 0.001, 0.01, 0.1, 1.0).only(kernel=("rbf", "laplacian", "poly")),
    ),
    "sklearn.KNeighborsClassifier": NEIGHBORS,
    "sklearn.KNeighborsRegressor": NEIGHBORS,
    "sklearn.MLPClassifier": NETWORK,
    "sklearn.MLPRegressor": NETWORK,
    "sklearn.GaussianNB": family(log("var_smoothing", 1e-9, 1e-12, 0.1)),
    "sklearn.MultinomialNB": family(*BAYES, moves=WEAKNESS),
    "sklearn.BernoulliNB": family(*BAYES, moves=WEAKNESS),
    "sklearn.ComplementNB": family(*BAYES, moves=WEAKNESS),
    "sklearn.LinearDiscriminantAnalysis": family(
        choice("shrinkage", None, "auto", 0.1, 0.5).needing(
            *(Need(v, "solver", "lsqr", allowed=("lsqr", "eigen")) for v in ("auto", 0.1, 0.5))
        ),
        choice("solver", "svd", "lsqr", "eigen").needing(
            Need("svd", "shrinkage", None, allowed=(None,))
        ),
    ),
    "sklearn.QuadraticDiscriminantAnalysis": family(log("reg_param", 0.0, 1e-4, 0.9)),
}
