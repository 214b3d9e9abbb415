"""The rows of the speed budget: one file for each group, one list of all.

A new group is a file with its ``ROWS``, and a line below.
"""

from __future__ import annotations

from ..model import Row
from . import depositing, indexing, listing, pulling, searching, startup, store, validating

ROWS: dict[str, Row] = {
    row.name: row
    for group in (pulling, store, depositing, listing, indexing, searching, validating, startup)
    for row in group.ROWS
}
