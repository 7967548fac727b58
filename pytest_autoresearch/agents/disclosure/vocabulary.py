"""Words that may be read in an error message: the visible files' own, and those that libraries use."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

MOST_READ = 1 << 20
"""Bytes of a file whose words are known."""
TOKEN = re.compile(r"[^\W\d]\w+|[Xy]\b")
LETTERS = re.compile(r"[A-Za-z]+(?:'[a-z]{1,2})?")
IDENTIFIER = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")

OF_LIBRARIES = """
AxisError BrokenProcessPool CatBoostError CholeskyError ClassNotFoundError ColumnNotFoundError
ComputeError ConvergenceWarning DataConversionWarning DataError DateParseError DatabaseError DTypePromotionError
DuplicateError EfficiencyWarning EmptyDataError Empty Full FitFailedWarning IntCastingNaNError
InconsistentVersionWarning IncompatibleFrequency IndexingError IntegrationWarning InvalidIndexError
InvalidOperationError InvalidParameterError JSONDecodeError LightGBMError LinAlgError LinAlgWarning
MergeError NoDataError NotFittedError NumExprClobberingWarning OutOfBoundsDatetime
OutOfBoundsTimedelta OutOfBoundsError OutOfMemoryError ParserError PerformanceWarning PickleError
PicklingError SchemaError SchemaFieldNotFoundError ShapeError SingularMatrixError
SpecificationError StopError StringCacheMismatchError TerminatedWorkerError UFuncTypeError
UndefinedMetricWarning UndefinedVariableError UnpicklingError UnsortedIndexError
UnsupportedFunctionCall XGBoostError error
"""
OF_TYPES = """
NoneType None True False NaN Inf bool int float complex str bytes bytearray list tuple dict set
frozenset slice range type object function method module generator builtin_function_or_method
ndarray dtype matrix int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64
complex64 complex128 datetime64 timedelta64 bool_ str_ object_ generic DataFrame Series Index
MultiIndex RangeIndex DatetimeIndex Categorical CategoricalDtype DataFrameGroupBy SeriesGroupBy
Timestamp Timedelta NaT NA Expr LazyFrame LazyGroupBy csr_matrix csc_matrix coo_matrix csr_array
csc_array coo_array sparray spmatrix Tensor Module Parameter Device device Generator RandomState
Pipeline ColumnTransformer Booster Dataset LGBMClassifier LGBMRegressor LGBMRanker
np pd numpy pandas polars scipy sklearn lightgbm torch builtins DType API CPU GPU CUDA RAM OOM
fit predict transform fit_transform predict_proba decision_function score
"""

EXCEPTIONS = frozenset(OF_LIBRARIES.split()) | {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
"""Names of exceptions that say what they are; any other may be made up while a candidate runs."""

TYPES = frozenset(OF_TYPES.split())
"""Names of types and methods of libraries, which messages put into quotes."""


@cache
def common() -> frozenset[str]:
    """Words of error messages; made by ``benchmarks/vocabulary.py``."""
    text = Path(__file__).with_name("words.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def words_of(files: Iterable[bytes]) -> frozenset[str]:
    """The names and words in source files. Single letters are none, but ``X`` and ``y``."""
    return frozenset().union(*(_words(content) for content in files))


@lru_cache(maxsize=256)
def _words(content: bytes) -> frozenset[str]:
    return frozenset(TOKEN.findall(content[:MOST_READ].decode("utf-8", "replace")))


@dataclass(frozen=True)
class Known:
    """What may be told, beside punctuation; ``own`` are the words of the visible files."""

    own: frozenset[str] = frozenset()

    def word(self, word: str) -> bool:
        """Whether a bare word may be told."""
        shown = word in self.own or word in TYPES or word in EXCEPTIONS
        return shown or (LETTERS.fullmatch(word) is not None and word in common())

    def name(self, text: str) -> bool:
        """Whether what stands in quotes is a name of the source or of a library's type: no value."""
        parts = text.split(".") if IDENTIFIER.fullmatch(text) else []
        return bool(parts) and all(part in self.own or part in TYPES for part in parts)

    def raised(self, name: str) -> bool:
        """Whether an exception's name may be told: one that is known, or stands in the source."""
        return not name or name in EXCEPTIONS or name in self.own

    def exception(self, name: str) -> str:
        """An exception's name without its module, or words in its place where it may be made up."""
        last = name.rpartition(".")[2]
        return last if self.raised(last) else "an exception"
