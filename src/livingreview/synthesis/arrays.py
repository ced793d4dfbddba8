"""Names for kinds of arrays, and results whose arrays cannot be changed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
IndexArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]


def freeze(result: object, *names: str, dtype: Any = np.float64) -> None:
    """Replace the named arrays of a frozen dataclass by read-only copies; for its ``__post_init__``."""
    for name in names:
        array = np.array(getattr(result, name), dtype=dtype)
        array.flags.writeable = False
        object.__setattr__(result, name, array)
