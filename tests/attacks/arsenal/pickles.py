"""Attacks with objects that act when somebody else handles them."""

from __future__ import annotations

from ..attack import Attack, Layer, Success

KIND = "pickles"
NEVER = (Layer.BOUNDARY, Layer.WIRE, Layer.NAMESPACES, Layer.LANDLOCK)
ACT = """
def act(*_, **__):
    attempt(mark, HOST["base"] + "/pickled")
    return 0.0
"""


def _acts(name: str, what: str, code: str) -> Attack:
    return Attack(name, KIND, what, Success.MARKS, NEVER, (ACT + code,))


ATTACKS = (
    _acts(
        "state-acts-when-loaded",
        "return a state that runs code where it is unpickled",
        """
class Gadget:
    def __reduce__(self):
        return exec, (f"open({HOST['base']!r} + '/pickled', 'a').write('# BREACH {NAME}')",)
def finish(state): return {**state, "gadget": Gadget()}
""",
    ),
    _acts(
        "state-runs-a-program",
        "the same with a program",
        """
class Gadget:
    def __reduce__(self):
        return os.system, (f"echo '# BREACH {NAME}' >> {HOST['base']}/pickled",)
def finish(state): return {**state, "gadget": Gadget()}
""",
    ),
    _acts(
        "state-file-replaced",
        "put another pickle into the artifact folder, under every likely name",
        """
def attack():
    gadget = f"cos\\nsystem\\n(S'echo \\"# BREACH {NAME}\\" >> {HOST['base']}/pickled'\\ntR.".encode()
    folder = frames("obey")["order"]["artifact"]
    for name in ("state.pkl", "model.pickle", "sitecustomize.py", "state.pickle.tmp", "output.bin"):
        with open(f"{folder}/{name}", "wb") as file:
            file.write(gadget)
""",
    ),
    _acts(
        "prediction-acts-when-converted",
        "predict objects that act when they are made numbers",
        """
class Number:
    __float__ = __array__ = __index__ = __int__ = __bool__ = __eq__ = __lt__ = __len__ = act
def on_predict(X, state): return np.array([Number() for _ in X], dtype=object)
""",
    ),
    _acts(
        "prediction-acts-as-array",
        "predict an array of another class",
        """
class Sly(np.ndarray):
    def __array_finalize__(self, other): act()
    def __array_ufunc__(self, *a, **k): return act()
    def __array_function__(self, *a, **k): return act()
    def __reduce__(self): return act, ()
def on_predict(X, state): return np.zeros(len(X)).view(Sly)
""",
    ),
    _acts(
        "detached",
        "predict what pretends to be a tensor",
        """
class Tensor:
    def detach(self): act(); return self
    def cpu(self): return self
    def numpy(self): return self
    def __array__(self, *a, **k): act(); return np.zeros(3)
    shape, dtype, ndim = (1 << 60,), "O", -1
def on_predict(X, state): return Tensor()
""",
    ),
    Attack(
        "better-than-anything",
        KIND,
        "predict numbers that win every comparison",
        Success.WINS,
        (Layer.WIRE,),
        (
            """
            class Best(float):
                __lt__ = __gt__ = __eq__ = lambda self, other: True
                __sub__ = __rsub__ = __mul__ = __pow__ = lambda self, *a: Best(0)
                __hash__ = None
            def on_predict(X, state): return [Best(0) for _ in X]
            """,
        ),
    ),
    Attack(
        "state-bomb",
        KIND,
        "return a state that is small on disk and large in memory",
        Success.SAYS,
        (Layer.LIMITS,),
        (
            """
            class Bomb:
                def __reduce__(self): return bytes, (4 * HOST["memory"],)
            class Filled:
                def __reduce__(self): return (b"x").__mul__, (4 * HOST["memory"],)
            def finish(state): return {**state, "bomb": [Bomb(), Filled()]}
            def on_predict(X, state): breach()
            """,
        ),
    ),
)
