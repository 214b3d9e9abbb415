"""Which datasets, resources and packages are what somebody is looking for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..model.query import (
    Condition,
    Query,
    field_condition,
    parse_condition,
    parse_digest,
    parse_text,
)
from .listing import STATUSES

if TYPE_CHECKING:
    from ..registry.searching import Found
    from .session import Session

KINDS = ("dataset", "resource", "package")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is searched for: everything that is given must hold.

    Parameters
    ----------
    text : str, optional
        Words, all of which must be there; a phrase in double quotes.
    where, where_not : tuple of str
        Conditions that must hold, and those that must not: ``key=value``, ``key>=2``, ``key`` ….
    dtype, license, collection, created_by, archive : str, optional
        The value of this field, or a glob.
    digest : str, optional
        What a digest of any version starts with.
    status : {'active', 'deprecated', 'withdrawn', 'broken'}, optional
    kind : {'dataset', 'resource', 'package'}, optional
    """

    text: str | None = None
    where: tuple[str, ...] = ()
    where_not: tuple[str, ...] = ()
    dtype: str | None = None
    license: str | None = None
    collection: str | None = None
    created_by: str | None = None
    archive: str | None = None
    digest: str | None = None
    status: str | None = None
    kind: str | None = None

    def query(self) -> Query:
        """Read it.

        Raises
        ------
        UsageError
            That names what is wrong.
        """
        _check_choice("status", self.status, STATUSES)
        _check_choice("kind", self.kind, KINDS)
        return Query(
            parse_text(self.text or ""),
            (
                *_fields(self),
                *(parse_condition(each) for each in self.where),
                *(parse_condition(each, is_negative=True) for each in self.where_not),
            ),
            None if self.digest is None else parse_digest(self.digest),
        )


def _fields(wanted: Wanted) -> Iterable[Condition]:
    for name in ("dtype", "license", "collection", "created_by", "archive", "status", "kind"):
        text = getattr(wanted, name)
        if text is not None:
            yield field_condition(name, text)


def _check_choice(name: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise UsageError(f"there is no {name} {value!r}", hint=f"One of {', '.join(choices)}.")


def search(session: Session, wanted: Wanted, *, limit: int | None = None) -> Found:
    """Find what is searched for, sorted by name.

    Parameters
    ----------
    session : Session
        The registry.
    wanted : Wanted
        What must hold.
    limit : int, optional
        How many are wanted at most; how many there are is told all the same.

    Raises
    ------
    UsageError
        If what is searched for makes no sense.
    """
    query = wanted.query()
    if limit is not None and limit < 0:
        raise UsageError(f"the limit is {limit}, and must be 0 (all) or more")
    return session.reader.search(query, limit=limit or None)
