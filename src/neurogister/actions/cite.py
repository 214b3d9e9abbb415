"""How datasets and packages are cited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..model.citation import Author, Citation
from ..model.ledger import Version
from ..model.package import Package

if TYPE_CHECKING:
    from ..model.dataset import Collection, Dataset
    from ..model.names import Target
    from ..registry.reader import Reader
    from .session import Session


@dataclass(frozen=True, slots=True)
class _Source:
    """What a registry says of itself and its parts, as far as citations need it."""

    title: str
    url: str | None
    collections: dict[str, Collection]
    vendors: dict[tuple[str | None, str], tuple[Any, ...]]


def cite(session: Session, targets: Iterable[Target]) -> list[Citation]:
    """Return citations of just the datasets and versions that are named, withdrawn ones too.

    Parameters
    ----------
    session : Session
        The registry.
    targets : iterable of Target
        Which. Without a version, the newest is meant.

    Raises
    ------
    NotFoundError
        If there is no such version.
    UsageError
        If a part of a dataset is named.
    """
    wanted = list(targets)
    source = _source(session.reader, wanted)
    return [_citation(session.reader, each, source) for each in wanted]


def _source(reader: Reader, targets: Sequence[Target]) -> _Source:
    info = reader.info()
    title = info.title or info.name or reader.url.rstrip("/").rpartition("/")[2]
    url = info.homepage or (reader.url if reader.url.startswith(("https://", "http://")) else None)
    has_packages = any(isinstance(each.item, Package) for each in targets)
    return _Source(
        title=" ".join(title.split()),
        url=url,
        collections={each.name: each for each in reader.described_collections()},
        vendors={(each.department, each.name): each.maintainers for each in reader.vendors()}
        if has_packages
        else {},
    )


def _citation(reader: Reader, target: Target, source: _Source) -> Citation:
    item = target.item
    if target.part is not None:
        raise UsageError(
            f"{target} is a part: datasets are cited whole", hint=f"neurogister cite {item.name}"
        )
    version = _version(reader, target)
    record = item.record
    collection = source.collections.get(item.collection or "")
    number = target.version or item.version
    date = (version.date if version else None) or (record.created_on if record else None)
    return Citation(
        name=item.name,
        id=None if item.id is None else str(item.id),
        version=None if number is None else str(number),
        title=item.title or item.name,
        authors=_authors(item, collection, source),
        date=date or _date_of(collection),
        publisher=source.title,
        url=source.url,
        license=item.license,
        digest=None if version is None else _digest(version),
        keywords=collection.keywords if collection else (),
        reference=_reference(collection),
        note=_note(item),
    )


def _version(reader: Reader, target: Target) -> Version | None:
    item = target.item
    if target.version is not None:
        return reader.version(item, target.version)
    if item.versions:
        known = item.record.find_version(item.version or "") if item.record else None
        return known or item.versions[-1]
    return Version(version=1, md5=item.pointer.digest) if item.pointer else None


def _digest(version: Version) -> str | None:
    for name in ("sha256", "sha1", "md5"):
        value = getattr(version, name)
        if value is not None:
            return f"{name}:{value}"
    return None


def _authors(item: Dataset, collection: Collection | None, source: _Source) -> tuple[Author, ...]:
    said: Sequence[Any] = collection.authors if collection else ()
    if isinstance(item, Package):
        said = source.vendors.get((item.department, item.vendor), ())
    found = [author for each in said if (author := Author.parse(each)) is not None]
    if not found and item.record is not None and item.record.created_by:
        found = [Author(name=" ".join(item.record.created_by.split()))]
    return tuple(dict.fromkeys(found))


def _date_of(collection: Collection | None) -> str | None:
    for name in ("date", "year"):
        value = collection.extra.get(name) if collection else None
        if isinstance(value, str | int) and not isinstance(value, bool):
            return str(value)
    return None


def _reference(collection: Collection | None) -> str | None:
    said = collection.citation if collection else None
    texts = said if isinstance(said, list) else [said]
    return "\n\n".join(each.strip() for each in texts if isinstance(each, str)) or None


def _note(item: Dataset) -> str | None:
    if item.status != "withdrawn":
        return None
    said = item.record.withdrawn if item.record else None
    when = f" on {said.date}" if said and said.date else ""
    why = f": {' '.join(said.reason.split())}" if said and said.reason else ""
    return f"Withdrawn{when}{why.rstrip('.')}."
