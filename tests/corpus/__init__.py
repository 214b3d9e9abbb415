"""A corpus of submissions: hostile ones that must be rejected, unusual ones that must not be.

Each is a function that writes a branch on a small real registry (`ground`), with git's own objects
and so with paths, modes and contents that no file system and no git command would take (`draft`).
`cases` collects them with what `validate` must say of each.
"""

from tests.corpus import (  # noqa: F401 - each adds its cases
    content,
    contributed,
    identities,
    packages,
    pointers,
    settings,
    texts,
    trees,
    yamls,
)
from tests.corpus.cases import HARMLESS, HOSTILE, Case

__all__ = ["HARMLESS", "HOSTILE", "Case"]
