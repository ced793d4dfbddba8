"""How long does it take to find every 2×2 table? Run with ``python benchmarks/reconstruction.py``."""

from __future__ import annotations

import time

from livingreview.errors import DataError
from livingreview.reconstruction import reconstruct

REPEATS = 5
CASES: tuple[tuple[str, dict[str, str], int | tuple[int, int]], ...] = (
    ("n = 42, three metrics", {"sensitivity": "95", "accuracy": "88", "ppv": "83"}, 42),
    (
        "n = 10,000, four metrics",
        {"sensitivity": "0.95", "specificity": "0.90", "accuracy": "0.92", "ppv": "0.85"},
        10_000,
    ),
    (
        "n = 10,000, four metrics, one decimal of a percent",
        {"sensitivity": "95.2 %", "specificity": "90.1 %", "accuracy": "92.2 %", "ppv": "86.9 %"},
        10_000,
    ),
    (
        "n = 10,000, four metrics that contradict each other",
        {"sensitivity": "95.2 %", "specificity": "90.1 %", "accuracy": "92.3 %", "ppv": "85.4 %"},
        10_000,
    ),
    ("n = 10,000, sensitivity and accuracy", {"sensitivity": "0.95", "accuracy": "0.92"}, 10_000),
    ("n = 10,000, sensitivity and Matthews correlation", {"sensitivity": "0.95", "mcc": "0.84"}, 10_000),
    ("n from 1 to 300, four metrics", {"ppv": "0.97", "f1": "0.98", "specificity": "0.90", "npv": "1.0"}, (1, 300)),
)


def main() -> None:
    for name, printed, n in CASES:
        times = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            try:
                outcome = f"{reconstruct(printed, n=n).count:,} tables"
            except DataError as error:
                outcome = f"contradiction: {error.faults[0].field}"
            times.append(time.perf_counter() - start)
        print(f"{min(times) * 1000:9.1f} ms  {name}: {outcome}")


if __name__ == "__main__":
    main()
