"""Members of packages: from what people type, to datasets, to the files that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import NeurogisterError, NotFoundError, OfflineError, RefusedError, UsageError
from ..model.clashes import find_clashes
from ..model.ledger import as_version
from ..model.names import Reading, Target, is_glob, readings
from ..model.package import Member, Package
from ..model.paths import check_path
from ..progress import SILENT, Progress
from ..registry.resolve import the_one
from .describe import find_entries
from .entries import choose_part, entries_from_manifest, matches_part
from .selection import Selection, select

if TYPE_CHECKING:
    from ..model.dataset import Dataset
    from ..model.listing import Entry
    from .session import Session

# stands for the files of a folder whose listing nobody here has
_UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Piece:
    """A member with the content that it stands for now.

    Parameters
    ----------
    member : Member
    item : Dataset
        The dataset.
    selection : Selection
        Which state of it, and which part.
    entries : tuple of Entry, optional
        Its files, at their paths in the package; None if only a remote knows.
    """

    member: Member
    item: Dataset
    selection: Selection
    entries: tuple[Entry, ...] | None

    @property
    def name(self) -> str:
        """The dataset with its version, as a ledger has it."""
        version = self.selection.version
        return f"{self.member.dataset}{f'@{version}' if version is not None else ''}"


def parse_members(
    session: Session, texts: Sequence[str]
) -> tuple[list[Member], list[NeurogisterError]]:
    """Find what people mean by ``DATASET[@VERSION][:PART][=PATH]``.

    Parameters
    ----------
    session : Session
        The registry.
    texts : sequence of str
        As typed; a glob stands for several datasets.

    Returns
    -------
    list of Member
        With identifiers, where datasets have them; each once.
    list of NeurogisterError
        What is wrong: there is no such dataset, or the path cannot be one.
    """
    members: dict[Member, None] = {}
    problems: list[NeurogisterError] = []
    for text in texts:
        with _kept(problems):
            members |= dict.fromkeys(_parse(session, text))
    return list(members), problems


def _parse(session: Session, text: str) -> Iterator[Member]:
    targets, path = _resolve(session, text)
    if path is not None and len(targets) > 1:
        raise UsageError(
            f"{text!r} stands for {len(targets)} datasets, which cannot all be {path!r}",
            hint="Name one of them, or leave the path out.",
        )
    for target in targets:
        _refuse_package(target.item)
        member = Member(
            str(target.item.id or target.item.name),
            _usual_path(target) if path is None else path,
            target.part.strip("/") if target.part is not None else None,
            as_version(target.version),
        )
        try:
            check_path(member.path)
        except ValueError as error:
            raise UsageError(f"{text!r}: the path {member.path!r} {error}") from None
        yield member


def _resolve(session: Session, text: str) -> tuple[list[Target], str | None]:
    """Split what was typed where a name ends; a name may itself have a ``=``."""
    reader = session.reader
    first: NotFoundError | None = None
    if "=" in text and not (reader.find_name(text) or reader.find_place(text)):
        for position in (n for n, character in enumerate(text) if character == "="):
            base, path = text[:position], text[position + 1 :].strip("/")
            try:
                return reader.resolve([base]), path
            except NotFoundError as error:
                first = first or error
    try:
        return reader.resolve([text]), None
    except NotFoundError as error:
        raise first or error from None


def _usual_path(target: Target) -> str:
    """Return where a member goes that nothing is said of: its own last name."""
    part = target.part.strip("/") if target.part is not None else ""
    if part and not is_glob(part):
        return part.rpartition("/")[2]
    return target.item.name.rpartition("/")[2]


def find_members(session: Session, package: Package, texts: Sequence[str]) -> tuple[Member, ...]:
    """Find the members of a package that people mean: by path, or ``DATASET[@VERSION][:PART]``.

    Raises
    ------
    NotFoundError, SeveralErrors
        If there is no such member; all that there are not are told.
    """
    from .writable import raise_problems  # who only reads needs no git to write with

    found: dict[Member, None] = {}
    problems: list[NeurogisterError] = []
    for text in texts:
        fitting = _fitting(session, package, text.strip("/"))
        found |= dict.fromkeys(fitting)
        if not fitting:
            some = ", ".join(each.path for each in package.members[:10])
            problems.append(
                NotFoundError(
                    f"{package.name} has no member {text!r}",
                    hint=f"It has: {some or 'none'}{', …' if len(package.members) > 10 else ''}.",
                )
            )
    raise_problems(problems, len(texts))
    return tuple(found)


def _fitting(session: Session, package: Package, text: str) -> list[Member]:
    """Return the members that somebody means: by path, by dataset, or by a dataset's other name."""
    if by_path := [each for each in package.members if each.path == text]:
        return by_path
    for reading in readings(text):
        if named := [each for each in package.members if _is_meant(each, reading, reading.base)]:
            return named
    for reading in readings(text):
        bases = [reading.base, reading.base.removeprefix("data/")]
        found = session.reader.find_names(bases)
        names = {
            name for items in found.values() for item in items for name in (item.id, item.name)
        }
        for name in names - {None}:
            if named := [each for each in package.members if _is_meant(each, reading, name)]:
                return named
    return []


def _is_meant(member: Member, reading: Reading, name: str | None) -> bool:
    return (
        name is not None
        and member.dataset.casefold() == name.casefold()
        and (reading.version is None or str(member.version) == reading.version)
        and (reading.part is None or member.part == reading.part.strip("/"))
    )


def open_members(
    session: Session, members: Sequence[Member], *, ask: bool, progress: Progress = SILENT
) -> tuple[list[Piece], list[NeurogisterError]]:
    """Find the content that members stand for, by digests alone.

    Parameters
    ----------
    session : Session
        The registry.
    members : sequence of Member
        Which.
    ask : bool
        Whether remotes are asked for the listings of folders that have no manifest.
    progress : Progress
        Told about the transfer.

    Returns
    -------
    list of Piece
        Those that can be had.
    list of NeurogisterError
        What is wrong with each of the others.
    """
    found = session.reader.find_names({each.dataset for each in members})
    chosen: list[tuple[Member, Selection]] = []
    problems: list[NeurogisterError] = []
    for member in members:
        with _kept(problems):
            item = _dataset(member, found[member.dataset])
            target = Target(item, _text(member.version), member.part, str(member))
            chosen.append((member, select(session.reader, target)))
    failed = _fetch_listings(session, [each for _, each in chosen], progress) if ask else {}
    pieces: list[Piece] = []
    for member, selection in chosen:
        with _kept(problems):
            if (error := failed.get(str(selection.oid))) is not None:
                raise error
            entries = _entries(session, member, selection)
            if entries is None and ask:
                raise OfflineError(
                    f"which files {selection.label} has is not known here",
                    hint="Run it once without `--offline`.",
                )
            pieces.append(Piece(member, selection.item, selection, entries))
    return pieces, problems


class _kept:  # noqa: N801 - reads as a statement
    """Keep what is wrong with one member, so that all that is wrong can be told."""

    def __init__(self, problems: list[NeurogisterError]) -> None:
        self._problems = problems

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, NeurogisterError):
            self._problems.append(error)
            return True
        return False


def _text(version: int | str | None) -> str | None:
    return None if version is None else str(version)


def _dataset(member: Member, found: Sequence[Dataset]) -> Dataset:
    if not found:
        raise NotFoundError(
            f"there is no dataset {member.dataset!r}",
            hint="`neurogister list` shows all names.",
        )
    item = the_one(found, member.dataset)
    _refuse_package(item)
    return item


def _refuse_package(item: Dataset) -> None:
    if item.kind == "package":
        raise RefusedError(f"{item.name} is a package, and packages are made of datasets")


def _fetch_listings(
    session: Session, selections: Sequence[Selection], progress: Progress
) -> dict[str, NeurogisterError]:
    """Bring the listings of folders without a manifest into the cache; return what failed."""
    unknown = {}
    for selection in selections:
        if selection.is_folder:
            problems: list[NeurogisterError] = []
            with _kept(problems):  # a broken manifest is told when it is read again
                if entries_from_manifest(session.reader, replace(selection, part=None)) is None:
                    unknown[selection.oid] = selection.wanted()
    missing = session.holdings.find(unknown.values())
    failed = session.fetch(missing, progress) if missing else {}
    return {str(oid): error for oid, error in failed.items()}


def _entries(session: Session, member: Member, selection: Selection) -> tuple[Entry, ...] | None:
    """Return the files of a member, at their paths in the package."""
    if not selection.is_folder:
        from ..model.listing import Entry

        oid = selection.oid
        return (Entry(member.path, oid.md5, selection.size, selection.sha256),)
    entries = find_entries(session, replace(selection, part=None), ask=False)
    if entries is None:
        return None
    if selection.part is not None:
        choose_part(selection, entries)  # that there is something
    return placed(member.path, entries, selection.part)


def placed(path: str, entries: Sequence[Entry], part: str | None) -> tuple[Entry, ...]:
    """Return the files of a folder that a member brings, at their paths in the package.

    Parameters
    ----------
    path : str
        Where the member is put.
    entries : sequence of Entry
        All files of the folder.
    part : str, optional
        The file, folder or glob that is meant; without it, all of them.
    """
    name = _namer(entries, part)
    if name is None:
        return tuple(replace(each, path=path) for each in entries if each.path == part)
    return tuple(
        replace(each, path=f"{path}/{named}")
        for each in entries
        if (part is None or matches_part(each.path, part))
        and (named := name(each.path)) is not None
    )


def _namer(entries: Sequence[Entry], part: str | None) -> Callable[[str], str | None] | None:
    """Return what gives files their paths below a member's; None if the part is just one file.

    Of a folder the files have their paths in it; those that a glob finds keep all of theirs.
    """
    if part is None:
        return lambda path: path
    if any(each.path == part for each in entries):
        return None
    inside = f"{part}/"
    if any(each.path.startswith(inside) for each in entries):
        return lambda path: path.removeprefix(inside) if path.startswith(inside) else None
    return lambda path: path


def refuse_clashes(pieces: Sequence[Piece]) -> list[NeurogisterError]:
    """Return what is wrong with the paths of members: each that is in another's way."""
    owned = [
        (path, str(piece.member))
        for piece in pieces
        for path in (
            [f"{piece.member.path}/{_UNKNOWN}"]
            if piece.entries is None
            else [each.path for each in piece.entries]
        )
    ]
    return [
        RefusedError(
            f"{owner} and {other}: {why}" if owner != other else f"{owner}: {why}",
            hint="Put one of them at another path: `DATASET=PATH`.",
        )
        for owner, other, why in find_clashes(owned)
        if not why.endswith(f"/{_UNKNOWN}'")
    ]
