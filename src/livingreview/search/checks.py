"""What `livingreview check` says of the search: its strategy and its ledger."""

from __future__ import annotations

from pathlib import Path

from livingreview.errors import DataError, Fault
from livingreview.model import Strategy
from livingreview.reading import read_yaml, validate
from livingreview.search.ledger import Ledger
from livingreview.search.lint import strategy_faults

__all__ = ["search_faults"]


def search_faults(root: Path) -> list[Fault]:
    """Return the faults of strategy and ledger that the files' schemas do not see.

    Parameters
    ----------
    root
        The data folder.
    """
    path = root / "search" / "strategy.yaml"
    ledger = Ledger(root / "search", root)
    faults = ledger.faults() if ledger.records_path.is_file() else []
    try:
        document = read_yaml(path, root)
        return [*faults, *strategy_faults(validate(document, Strategy), document)]
    except DataError:
        # The check of the file itself says what is wrong with it.
        return faults
