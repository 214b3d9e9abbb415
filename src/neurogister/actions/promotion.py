"""What is to be promoted, and what became of it: the values of `promote`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

PROMOTED = "promoted"
THERE = "there"
PLANNED = "planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be promoted, and how.

    Parameters
    ----------
    base : str, optional
        A revision: what it names already is left out.
    sources : tuple of str
        Where the bytes are, if not where the commits say: addresses, remotes, bundles.
    to : str, optional
        The remote that they go to; else the registry's own.
    verify_remote : bool
        Whether every byte is read back, also of what was there.
    log : Path, optional
        A file that gets a line of JSON for each object that was promoted.
    dry_run : bool
        Whether only to find out what would happen.
    """

    base: str | None = None
    sources: tuple[str, ...] = ()
    to: str | None = None
    verify_remote: bool = False
    log: Path | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """What became of one object.

    Parameters
    ----------
    object : str
        Its md5, with ``.dir`` for the listing of a folder.
    name : str
        What names it: a dataset, or a file in one.
    size : int, optional
        In bytes, as far as it is known.
    sha256 : str, optional
        If the registry records it; it was compared.
    status : {'promoted', 'there', 'planned'}
    source : str, optional
        Where it came from; ``git`` for a listing that was made from its manifest.
    to : str
        The address of the main remote.
    proof : {'size', 'md5', 'content'}, optional
        How we know that the main remote has it.
    """

    object: str
    name: str
    size: int | None
    sha256: str | None
    status: str
    source: str | None
    to: str
    proof: str | None = None


@dataclass(slots=True)
class Promotion:
    """What a promotion did, or would do.

    Parameters
    ----------
    commit : str
        Of which commit.
    to : str
        The name of the main remote.
    objects : list of Promoted
        All that are named, in the order of their names.
    """

    commit: str
    to: str
    objects: list[Promoted] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        """Whether anything was, or would be, promoted."""
        return any(each.status != THERE for each in self.objects)
