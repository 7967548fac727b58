"""What a careful analyst would try on the conversion example in a night: 64 ideas, in order."""

from __future__ import annotations

from dataclasses import dataclass

FEATURES, MODEL = "features.py", "model.py"


@dataclass(frozen=True)
class Idea:
    """One change: in ``file`` the pattern ``old`` becomes ``new``."""

    theme: str
    description: str
    hypothesis: str
    expected: str
    file: str
    old: str
    new: str
    lesson: str = ""


def column(
    theme: str, expression: str, description: str, hypothesis: str, expected: str, lesson: str = ""
) -> Idea:
    """One more column of features."""
    return Idea(
        theme,
        description,
        hypothesis,
        expected,
        FEATURES,
        r"\]\)\s*\Z",
        f", {expression}])\n",
        lesson,
    )


def setting(
    theme: str, name: str, value: str, hypothesis: str, expected: str, lesson: str = ""
) -> Idea:
    """Another value of a setting of the model."""
    return Idea(
        theme,
        f"{name}={value}",
        hypothesis,
        expected,
        MODEL,
        rf"\b{name}=[^,\n]+",
        f"{name}={value}",
        lesson,
    )


def more(theme: str, added: str, hypothesis: str, expected: str, lesson: str = "") -> Idea:
    """One more setting of the model."""
    return Idea(
        theme, added, hypothesis, expected, MODEL, r"\bverbose=-1", f"{added}, verbose=-1", lesson
    )


SIZE, RATE, PENALTY, PAIRS, AGE = (
    *("size of the trees", "learning rate", "regularisation", "pairs of columns"),
    "age",
)
CONTACT, MACRO, WEIGHT, LESS = "last contact", "economy", "weights of rows", "fewer columns"
SAMPLING, CODES = "sampling", "codes of categories"

IDEAS = (
    setting(SIZE, "num_leaves", "15", "A few thousand rows cannot fill 31 leaves.", "+0.003"),
    setting(SIZE, "num_leaves", "7", "If 15 leaves help, the signal is mostly additive.", "+0.003"),
    setting(RATE, "learning_rate", "0.05", "Smaller steps overfit less.", "+0.002"),
    column(
        PAIRS,
        '(X["housing"] != X["loan"]).astype(float)',
        "one column for: either a mortgage or a loan, not both",
        "People with exactly one debt behave differently, and shallow trees see pairs badly.",
        "+0.003",
        "Shallow trees miss what two columns say only together: hand it to them.",
    ),
    column(AGE, '(X["age"] - 42).abs()', "distance from age 42", "Old and young buy, the middle does not.", "+0.002"),
    column(AGE, '(X["age"] > 60).astype(float)', "a flag for over 60", "Retired people are another group.", "+0.001"),
    column(AGE, '(X["age"] < 25).astype(float)', "a flag for under 25", "Students are another group.", "+0.001"),
    column(CONTACT, 'np.exp(-X["pdays"].fillna(999) / 8)', "contact that fades over days", "A recent contact is remembered, an old one is not.", "+0.004"),
    column(CONTACT, 'X["pdays"].isna().astype(float)', "a flag for never called", "Never called is no number of days.", "+0.001"),
    column(CONTACT, 'np.log1p(X["campaign"])', "logarithm of the calls so far", "The second call annoys more than the tenth.", "0.001"),
    column(CONTACT, 'X["campaign"].clip(upper=6)', "calls so far, at most 6", "Beyond six calls nothing changes.", "no change"),
    column(CONTACT, '(X["previous"] > 0) * X["campaign"]', "calls, of those who were called before", "Old customers mind repeated calls less.", "+0.001"),
    column(MACRO, 'X["euribor3m"] - X["emp.var.rate"]', "interest rate minus employment's change", "Their gap says more than each.", "+0.001"),
    column(MACRO, 'X["euribor3m"] * X["age"]', "interest rate times age", "Older people watch interest rates.", "+0.001"),
    column(MACRO, 'X["nr.employed"] / 5000', "employment, scaled", "Scaling helps the splits.", "+0.001", "Trees do not care how a column is scaled."),
    Idea(MACRO, "without cons.price.idx", "The price index only says which month it is, and no test month was seen.", "+0.003", FEATURES, r'    "cons\.price\.idx",\n', "", "Columns that name a month mislead: the test months are later ones."),
    Idea(MACRO, "without nr.employed", "Noise around a constant, one value a month.", "+0.002", FEATURES, r'    "nr\.employed",\n', ""),
    Idea(MACRO, "without cons.conf.idx", "The season is in it; perhaps more month than season.", "-0.002", FEATURES, r'    "cons\.conf\.idx",\n', ""),
    Idea(MACRO, "without emp.var.rate", "A rounded copy of the interest rate.", "no change, one column less", FEATURES, r'    "emp\.var\.rate",\n', ""),
    Idea(LESS, "without default", "A fifth is unknown and nearly all others are no.", "no change, one column less", FEATURES, r'    "default",\n', ""),
    Idea(LESS, "without marital", "Nothing suggests that it matters beside age.", "no change, one column less", FEATURES, r'    "marital",\n', ""),
    Idea(LESS, "without education", "Its effect turned round within the data.", "+0.001", FEATURES, r'    "education",\n', ""),
    Idea(LESS, "without previous", "It says what pdays says.", "no change, one column less", FEATURES, r'    "previous",\n', ""),
    more(PENALTY, "reg_lambda=10", "Shrinks leaves that few rows hold.", "+0.001"),
    more(PENALTY, "reg_lambda=100", "The same, much more.", "+0.001"),
    more(PENALTY, "reg_alpha=5", "Leaves that say little say nothing.", "+0.001"),
    setting(PENALTY, "min_child_samples", "60", "Leaves of 20 rows are noise at a rate of one in five.", "+0.002"),
    setting(PENALTY, "min_child_samples", "200", "If 60 help, more may help more.", "+0.001"),
    more(PENALTY, "min_split_gain=0.5", "Splits that gain little are noise.", "+0.001"),
    more(PENALTY, "path_smooth=20", "Leaves of few rows lean on their parents.", "+0.001"),
    setting(SIZE, "num_leaves", "4", "Nearly additive trees, since pairs are columns now.", "+0.002"),
    setting(SIZE, "n_estimators", "300", "Smaller trees need more of them.", "+0.002"),
    setting(SIZE, "n_estimators", "200", "300 may be too many, 100 too few.", "+0.002"),
    setting(SIZE, "n_estimators", "700", "More is better until it is not.", "+0.001", "The frozen test allows 500 trees."),
    more(SIZE, "max_depth=3", "The depth bounds interactions, leaves do not.", "+0.001"),
    setting(RATE, "learning_rate", "0.03", "Smaller steps, with the trees that there are now.", "+0.001"),
    setting(RATE, "learning_rate", "0.3", "A large step as a check of the other end.", "worse"),
    setting(SAMPLING, "subsample", "0.5", "More variety among the trees.", "+0.001"),
    setting(SAMPLING, "colsample_bytree", "0.4", "Columns that are copies of each other take turns.", "+0.001"),
    setting(SAMPLING, "colsample_bytree", "1.0", "With few columns none should be left out.", "+0.001"),
    more(SAMPLING, "extra_trees=True", "Random thresholds smooth the steps.", "+0.001"),
    Idea(WEIGHT, "recent rows weigh more, linearly", "The world drifts: the last months are closer to the next ones.", "+0.004", MODEL, r"classifier\(seed\)\.fit\(X, y\)", "classifier(seed).fit(X, y, sample_weight=np.linspace(0.2, 1, len(y)))", "A name that is used has to be imported."),
    Idea(WEIGHT, "recent rows weigh more, import included", "The same, mended.", "+0.004", MODEL, r"classifier\(seed\)\.fit\(X, y\)", "classifier(seed).fit(X, y, sample_weight=[0.2 + 0.8 * n / len(y) for n in range(len(y))])"),
    Idea(WEIGHT, "only the last half of the rows", "The early months are another world.", "+0.003", MODEL, r"classifier\(seed\)\.fit\(X, y\)", "classifier(seed).fit(X[len(y) // 2:], y[len(y) // 2:])"),
    Idea(WEIGHT, "only the last three quarters", "Half was too little to learn from.", "+0.002", MODEL, r"classifier\(seed\)\.fit\(X, y\)", "classifier(seed).fit(X[len(y) // 4:], y[len(y) // 4:])"),
    more(WEIGHT, "scale_pos_weight=3", "Sales are rare.", "+0.001", "AUC does not care how rare sales are."),
    more(WEIGHT, "is_unbalance=True", "The same by LightGBM's own means.", "+0.001"),
    column(CODES, '(X["job"].isin(["retired", "student"])).astype(float)', "one flag for retired or student", "Both buy more, and their codes lie apart.", "+0.002"),
    column(CODES, 'X["job"].eq("services").astype(float)', "a flag for services", "They buy less.", "+0.001"),
    column(CODES, 'X["marital"].eq("single") * X["age"]', "age of the single", "Young singles.", "+0.001"),
    column(CODES, 'X["education"].cat.codes * X["euribor3m"]', "education times interest rate", "The effect of education drifts with the rate.", "+0.002"),
    column(PAIRS, 'X["job"].cat.codes * 10 + X["education"].cat.codes', "job and education in one code", "Their pairs may matter.", "+0.001"),
    column(PAIRS, '(X["housing"].isna() & X["loan"].isna()).astype(float)', "a flag for both debts unknown", "Unknown is an answer, too.", "+0.001"),
    column(PAIRS, '(X["age"] - 42).abs() * X["euribor3m"]', "distance from 42 times interest rate", "Age matters more as rates fall.", "+0.002"),
    column(AGE, '((X["age"] - 42) / 15) ** 2', "squared distance from age 42", "The effect of age looks like a parabola.", "+0.001"),
    column(AGE, 'X["age"] // 10', "age by decade", "Coarser steps, less noise.", "no change"),
    column(AGE, 'X["age"].isna().astype(float)', "a flag for unknown age", "A missing age may say something.", "no change"),
    column(CONTACT, 'X["pdays"].rank()', "rank of days since contact", "Ranks are robust.", "+0.001", "The features of a row must not depend on the rows beside it."),
    column(CONTACT, 'X["poutcome"].cat.codes', "how the last campaign ended", "The best predictor that banks know.", "+0.010", "There is no column poutcome here."),
    more(PENALTY, "linear_tree=True", "Lines in the leaves extrapolate.", "+0.002"),
    setting(RATE, "learning_rate", "0.07", "Between the two that were tried.", "+0.001"),
    setting(SIZE, "num_leaves", "5", "Between 4 and 7.", "+0.001"),
    Idea(LESS, "without loan", "It is in the pair now.", "no change, one column less", FEATURES, r'    "loan",\n', ""),
    setting(SIZE, "n_estimators", "150", "Fewer trees for the same score.", "no change"),
)  # fmt: skip
