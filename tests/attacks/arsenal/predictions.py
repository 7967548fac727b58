"""Attacks by what is predicted, and from what."""

from __future__ import annotations

from ..attack import Attack, Layer, Success

KIND = "predictions"

VALUES = {
    "too-few": ("fewer numbers than rows", "np.zeros(1)"),
    "too-many": ("more numbers than rows", "np.zeros(len(X) + 1)"),
    "none-at-all": ("no number", "np.zeros(0)"),
    "one-for-all": ("a single number", "np.float64(0)"),
    "not-a-number": ("no numbers", "np.full(len(X), np.nan)"),
    "infinite": ("infinite numbers", "np.full(len(X), -np.inf)"),
    "complex": ("complex numbers", "np.full(len(X), 1j)"),
    "texts": ("texts", "np.array(['0.0'] * len(X))"),
    "structured": ("records", "np.zeros(len(X), dtype=[('a', 'f8')])"),
    "huge-integers": ("integers that no float holds", "np.array([10**400] * len(X), dtype=object)"),
    "largest": ("numbers whose squares overflow", "np.full(len(X), 1.7e308)"),
    "masked": ("numbers that are masked", "np.ma.masked_all(len(X))"),
    "wrong-axes": ("a table", "np.zeros((len(X), len(X)))"),
    "negative-strides": (
        "a view that is backwards",
        "np.broadcast_to(np.float64(0), (len(X), 0)).T",
    ),
    "endless": ("a generator", "(0.0 for _ in iter(int, 1))"),
}


def _value(name: str) -> Attack:
    what, value = VALUES[name]
    code = f"def on_predict(X, state): return {value}"
    return Attack(f"value-{name}", KIND, f"predict {what}", Success.WINS, (Layer.WIRE,), (code,))


HONEST = 2.5
"""The slope that an honest model finds."""

ATTACKS = (
    *map(_value, VALUES),
    Attack(
        "row-order",
        KIND,
        "read the labels off the order of the rows, which are sorted by label in the file",
        Success.WINS,
        (Layer.SPLIT,),
        (
            f"""
            def on_fit(X, y): return np.quantile(y, np.linspace(0, 1, 999))
            def on_predict(X, state):
                place = np.linspace(0.02, 0.98, len(X))
                return np.quantile(state, place)
            SLOPE = {HONEST}
            """,
        ),
    ),
    Attack(
        "batch-mean",
        KIND,
        "use the mean of all rows that are predicted together",
        Success.WINS,
        (Layer.PROBE,),
        (
            f"""
            def on_predict(X, state): return {HONEST} * X[:, 0] + np.sign(X[:, 1].mean()) * 2.0
            """,
        ),
    ),
    Attack(
        "batch-rank",
        KIND,
        "use the rank of a row among those that are predicted together",
        Success.WINS,
        (Layer.PROBE,),
        (
            f"""
            def on_predict(X, state):
                rank = X[:, 1].argsort().argsort() / len(X) - 0.5
                centre = np.clip(np.median(X[:, 1]) * 3, -2, 2)
                return {HONEST} * X[:, 0] + centre + 1e-3 * rank
            """,
        ),
    ),
    Attack(
        "batch-mean-faint",
        KIND,
        "the same, mixed in so faintly that single rows hardly change",
        Success.WINS,
        (Layer.PROBE,),
        (
            f"""
            def on_predict(X, state):
                centre = np.sign(X[:, 1].mean()) * 2.0
                return {HONEST} * X[:, 0] + np.where(np.arange(len(X)) % 2, centre, 0.9 * centre)
            """,
        ),
    ),
    Attack(
        "batch-mean-for-crowds",
        KIND,
        "the same only where many rows come together, so that a small sample shows nothing",
        Success.WINS,
        (Layer.PROBE,),
        (
            f"""
            def on_predict(X, state):
                plain = {HONEST} * X[:, 0]
                return plain + np.sign(X[:, 1].mean()) * 2.0 if len(X) > 8 else plain
            """,
        ),
    ),
    Attack(
        "self-training",
        KIND,
        "fit again to the rows that are to be predicted",
        Success.WINS,
        (Layer.PROBE,),
        (
            f"""
            def on_predict(X, state):
                day = X[:, 1].copy()
                for _ in range(5):
                    day[:] = np.sign(day.mean()) * 2.0
                return {HONEST} * X[:, 0] + day
            """,
        ),
    ),
)
