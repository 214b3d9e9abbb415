"""What a deposit will be called and say, found out before a byte is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..errors import NotFoundError, RefusedError, UsageError
from ..model.dataset import UNKNOWN_LICENSE
from ..model.identifier import Identifier
from ..model.naming import split_name
from ..model.paths import check_path, fold
from ..model.pointer import SUFFIX as POINTER_SUFFIX
from ..registry.layout import DATA, YAML_SUFFIX
from .vendors import check_name

if TYPE_CHECKING:
    from ..model.dataset import Collection, Dataset
    from ..model.registryinfo import Dtype, RegistryInfo
    from .session import Session
    from .sources import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the user wants of a deposit, beside the files.

    Parameters
    ----------
    to : str, optional
        The collection, perhaps with folders below it; none for a new version.
    id : str, optional
        The identifier, if there is only one file.
    auto_id : bool, optional
        Whether identifiers are made up; None leaves it to the policy.
    new_version : str, optional
        The dataset that gets a new version, instead of a new dataset.
    new_collection : bool
        Whether the collection may be new.
    allow_duplicate : bool
        Whether the same content may be there already under another identifier.
    """

    to: str | None = None
    id: str | None = None
    auto_id: bool | None = None
    new_version: str | None = None
    new_collection: bool = False
    allow_duplicate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One dataset to be, or one to get a new version.

    Parameters
    ----------
    source : Source
        What is deposited.
    folder : str
        Where it will lie, from the top of the registry: ``data/COLLECTION``.
    extension : str
        What its name ends with, with the dot.
    id : Identifier, optional
        None if it is made up, from the content.
    item : Dataset, optional
        The dataset that gets a new version.
    problems : tuple of str
        What is against it; all of them are told at once.
    """

    source: Source
    folder: str
    extension: str
    id: Identifier | None
    item: Dataset | None = None
    problems: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """The name of the data: usually the identifier, and the extension."""
        if self.item is not None:
            return self.item.place.rpartition("/")[2]
        return self.source.called or f"{self.id}{self.extension}"

    @property
    def place(self) -> str:
        """Where the data will lie, from the top of the registry."""
        return self.item.place if self.item is not None else f"{self.folder}/{self.name}"

    @property
    def pointer(self) -> str:
        """Its pointer."""
        return f"{self.place}{POINTER_SUFFIX}"

    def with_id(self, identifier: Identifier) -> Draft:
        """Return the same with an identifier."""
        return replace(self, id=identifier)


def draft(session: Session, sources: Sequence[Source], wishes: Wishes) -> list[Draft]:
    """Decide what each source will be, by the rules of the registry.

    Raises
    ------
    UsageError
        If the wishes contradict each other.
    NotFoundError
        If there is no such collection, dtype or dataset.
    RefusedError
        If the policy forbids it.
    """
    info = session.reader.info()
    if wishes.new_version is not None:
        return [_draft_version(session, sources, wishes, info)]
    if wishes.to is None:
        raise UsageError("a deposit needs a collection", hint="Say which: `--to COLLECTION`.")
    if wishes.id is not None and len(sources) > 1:
        raise UsageError(
            f"`--id` is for one file, and {len(sources)} are named",
            hint="`--auto-id`, or a table with a column `id`: `--metadata FILE.csv`.",
        )
    folder = find_folder(session, wishes.to, new=wishes.new_collection)
    collection = session.reader.find_collection(folder.split("/")[1])
    return [_draft(source, folder, collection, wishes, info) for source in sources]


def find_folder(session: Session, to: str, *, new: bool) -> str:
    """Return the folder of a collection: ``data/COLLECTION``.

    Raises
    ------
    NotFoundError
        If there is no such collection; the nearest are suggested.
    UsageError, RefusedError
        If it cannot be one.
    """
    name = to.strip("/").removeprefix(DATA)
    try:
        check_path(name)
    except ValueError as error:
        raise UsageError(f"{to!r} cannot be a collection: it {error}") from None
    root = session.reader.worktree
    first = name.partition("/")[0]
    if not new and root is not None and not (root / DATA / first).is_dir():
        names = [each.name for each in session.reader.collections()]
        raise NotFoundError(
            f"there is no collection {first!r}",
            hint=f"There is: {', '.join(names[:10]) or 'none yet'}. `--new-collection` makes it.",
        )
    if new and not any(each.name == first for each in session.reader.collections()):
        check_name(first, "a collection")
    folder = f"{DATA}{name}"
    _check_free_of_folders(session, folder)
    return folder


def _check_free_of_folders(session: Session, folder: str) -> None:
    """A dataset that is a folder has no room for others inside."""
    parts = folder.split("/")
    for count in range(2, len(parts) + 1):
        place = "/".join(parts[:count])
        for item in session.reader.find_place(place):
            raise RefusedError(
                f"{place} is a dataset ({item.path}), and no folder for others",
                hint="Choose another folder with `--to`.",
            )


def _draft(
    source: Source, folder: str, collection: Collection | None, wishes: Wishes, info: RegistryInfo
) -> Draft:
    dtype = _find_dtype(source, info)
    stem, extension = source.path.name, ""
    if not source.is_folder:
        stem, extension = split_name(source.path.name, dtype.extensions if dtype else ())
    problems = _problems(source, collection, info)
    made_up = wishes.auto_id
    if made_up is None:
        made_up = info.policy.auto_identifiers
    given = wishes.id or source.said.id
    return Draft(
        source=source,
        folder=folder,
        extension=extension if info.policy.keep_extensions else "",
        id=Identifier.parse(given) if given else None if made_up else _from_name(stem, source),
        problems=tuple(problems),
    )


def _from_name(stem: str, source: Source) -> Identifier:
    try:
        return Identifier.parse(stem)
    except UsageError as error:
        raise UsageError(
            f"{source.typed}: {error.message}",
            hint="Give one with `--id ID`, let one be made up with `--auto-id`, or name it in a"
            " table: `--metadata FILE.csv`.",
        ) from None


def _find_dtype(source: Source, info: RegistryInfo) -> Dtype | None:
    name = source.said.dtype
    if name is None or name in info.dtypes:
        return info.dtypes.get(name) if name else None
    import difflib  # only for the suggestion

    near = difflib.get_close_matches(name, info.dtypes, 3)
    known = ", ".join(near or sorted(info.dtypes)[:10]) or "none"
    raise NotFoundError(
        f"{source.typed}: the registry has no dtype {name!r}",
        hint=f"It has: {known}. `neurogister dtype add {name}` adds one.",
    )


def _problems(source: Source, collection: Collection | None, info: RegistryInfo) -> list[str]:
    problems = []
    if source.is_folder and not info.policy.allow_directories:
        problems.append("the policy of the registry allows files only, and this is a folder")
    license_ = source.said.license or (collection.license if collection else None)
    if info.policy.license_required and license_ in (None, UNKNOWN_LICENSE):
        problems.append(
            "a licence is required, and neither the dataset (`--license`) nor its collection"
            " has one"
        )
    return problems


def _draft_version(
    session: Session, sources: Sequence[Source], wishes: Wishes, info: RegistryInfo
) -> Draft:
    if len(sources) != 1:
        raise UsageError(f"a new version is one file or folder, and {len(sources)} are named")
    if wishes.to is not None:
        raise UsageError("`--new-version` says where it belongs: leave `--to` out")
    item = session.reader.get(wishes.new_version or "")
    source = sources[0]
    problems = _version_problems(item, source, info)
    given = wishes.id or source.said.id
    if given and item.id is not None and given.casefold() != item.id.casefold():
        problems.append(f"its identifier is {item.id}, and stays so")
    identifier = Identifier(item.id) if item.id else None
    if identifier is None:
        stem, _ = split_name(item.place.rpartition("/")[2])
        identifier = Identifier.parse(given) if given else _from_name(stem, source)
    return Draft(
        source=source, folder=item.place.rpartition("/")[0], extension="", id=identifier,
        item=item, problems=tuple(problems),
    )  # fmt: skip


def _version_problems(item: Dataset, source: Source, info: RegistryInfo) -> list[str]:
    problems = []
    if info.policy.immutable:
        problems.append("the policy of the registry forbids second versions (immutable)")
    if item.status == "withdrawn":
        problems.append(f"{item.name} was withdrawn")
    elif item.kind != "dataset" or item.pointer is None:
        problems.append(f"{item.name} is no dataset with a pointer, but a {item.kind}")
    elif item.pointer.is_dir != source.is_folder:
        kinds = ("a file", "a folder")
        problems.append(
            f"{item.name} is {kinds[item.pointer.is_dir]}, and this is {kinds[source.is_folder]}"
        )
    elif item.pointer.legacy:
        problems.append(
            f"{item.path} is in DVC 2's form: `dvc commit -f {item.path}` brings it to DVC 3's"
        )
    elif item.pointer.imported:
        problems.append(f"{item.path} is an import from elsewhere, which only `dvc update` changes")
    return problems


def check_names(session: Session, drafts: Sequence[Draft]) -> None:
    """Check that no name is taken, by another draft or by what is there, whatever the case.

    Two drafts cannot have one identifier either, as those of ``t1.nii.gz`` and ``t1.json`` would.

    Raises
    ------
    RefusedError
        That names both.
    """
    taken: dict[str, Draft] = {}
    owners: dict[str, Draft] = {}
    for each in drafts:
        for other, what in (
            (taken.setdefault(fold(each.place), each), f"be {each.place}"),
            (owners.setdefault(each.id.key if each.id else "", each), f"be called {each.id}"),
        ):
            if other is not each:
                raise RefusedError(
                    f"{other.source.typed} and {each.source.typed} would both {what}",
                    hint="Give them different identifiers, or `--auto-id`. Nothing was deposited.",
                )
    for folder in {each.folder for each in drafts if each.item is None}:
        for name in _data_names(session, folder):
            place = f"{folder}/{name}"
            found = taken.get(fold(place))
            if found is not None and found.place != place:
                raise RefusedError(
                    f"{found.source.typed} would be {found.place}, which differs in case only from"
                    f" {place}",
                    hint="Give it another identifier. Nothing was deposited.",
                )


def _data_names(session: Session, folder: str) -> set[str]:
    """Return the names of the datasets in a folder of the work tree, and of other files there."""
    root = session.reader.worktree
    if root is None:
        return set()
    try:
        names = os.listdir(root.joinpath(*folder.split("/")))
    except OSError:
        return set()
    ends = (POINTER_SUFFIX, YAML_SUFFIX)
    return {next((n.removesuffix(end) for end in ends if n.endswith(end)), n) for n in names}
