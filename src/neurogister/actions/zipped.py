"""Which zip archives names stand for: those that packages are delivered as, and files that are."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import NeurogisterError, NotFoundError, collect_errors
from ..model.digest import Expected
from ..model.names import is_glob
from ..model.objects import ObjectId, Wanted
from ..model.zips import is_zip
from ..progress import SILENT, Progress
from .plan import open_folders
from .pull import begin_all
from .work import Work
from .zipnames import name_archives

if TYPE_CHECKING:
    from ..model.names import Target
    from ..model.zips import Zip
    from .session import Session

_HINT = "A file that ends with .zip is one, and a package made with `--from-zip` has one."
_MOST = 1 << 50  # bytes in one archive, where nothing tells how many


@dataclass(frozen=True, slots=True)
class Zipped:
    """A zip archive, and what it is of.

    Parameters
    ----------
    name : str
        What it is called: one component that ends with ``.zip``.
    wanted : Wanted
        Its object.
    of : Work
        The dataset or package.
    part : str, optional
        Which file of it; none if it is a file, or delivered as this archive.
    """

    name: str
    wanted: Wanted
    of: Work
    part: str | None = None

    @property
    def label(self) -> str:
        """What it is of, as one would type it."""
        of = self.of.selection
        version = "" if of.version is None else f"@{of.version}"
        return f"{of.name}{version}{f':{self.part}' if self.part else ''}"


def zips_of(work: Work, archive: Zip | None) -> list[Zipped]:
    """Return the zip archives that one selection stands for.

    Parameters
    ----------
    work : Work
        What is wanted; of a folder the files are known, unless it is delivered as an archive.
    archive : Zip, optional
        What its version is delivered as.
    """
    selection = work.selection
    if archive is not None and selection.part is None:
        expected = Expected(archive.md5, archive.size, archive.sha256)
        limit = archive.size if archive.size is not None else _MOST
        label = f"{selection.name} ({archive.name})"
        wanted = Wanted(ObjectId(archive.md5), expected, label, limit, selection.remote)
        return [Zipped(archive.name, wanted, work)]
    if not selection.is_folder:
        name = selection.name.rpartition("/")[2]
        return [Zipped(name, selection.wanted(), work)] if is_zip(name) else []
    return [
        Zipped(each.path.rpartition("/")[2], selection.wanted_entry(each), work, each.path)
        for each in work.entries or ()
        if is_zip(each.path)
    ]


def find_zips(
    session: Session,
    targets: Sequence[Target],
    *,
    named: bool = True,
    force: bool = False,
    progress: Progress = SILENT,
) -> tuple[list[Zipped], list[Work]]:
    """Find the zip archives that names stand for in a registry.

    Parameters
    ----------
    session : Session
        The registry.
    targets : sequence of Target
        What is wanted.
    named : bool
        Whether each was named, so that one without an archive is an error; what a glob has caught
        is passed over.
    force : bool
        Whether what was withdrawn may be had all the same.
    progress : Progress
        Told about the transfer of listings, and what is passed over.

    Returns
    -------
    list of Zipped
        Each once.
    list of Work
        What failed, with its error.

    Raises
    ------
    NotFoundError
        If one that is named has none, or there is none at all.
    """
    from .outdated import released  # it knows registries, which a lockfile does without

    work = begin_all(session, targets, None, force=force, progress=progress)
    archives = [None if (known := released(one.selection)) is None else known.zip for one in work]
    pairs = list(zip(work, archives, strict=True))
    unknown = [one for one, archive in pairs if archive is None or one.selection.part is not None]
    open_folders(session, [one for one in unknown if one.error is None], progress)
    exact = {each.item.name for each in targets if named and not is_glob(each.as_typed)}
    good = [pair for pair in pairs if pair[0].error is None]
    failed = [one for one in work if one.error is not None]
    return collect_zips(good, exact, allow_none=bool(failed)), failed


def collect_zips(
    pairs: Sequence[tuple[Work, Zip | None]], exact: Container[str], *, allow_none: bool = False
) -> list[Zipped]:
    """Return the zip archives of several selections.

    Parameters
    ----------
    pairs : sequence of (Work, Zip)
        What is wanted, and what each is delivered as.
    exact : container of str
        The names that must have an archive.
    allow_none : bool
        Whether there may be none at all.

    Raises
    ------
    NotFoundError, SeveralErrors
        If one of them has none, or there is none at all.
    """
    found: list[Zipped] = []
    problems: list[NeurogisterError] = []
    for work, archive in pairs:
        mine = zips_of(work, archive)
        found += mine
        if not mine and work.selection.name in exact:
            problems.append(NotFoundError(f"{work.selection.label} has no zip archive", hint=_HINT))
    if problems:
        raise collect_errors(problems, len(pairs))
    if not found and not allow_none:
        raise NotFoundError("there is no zip archive in what is asked for", hint=_HINT)
    return found


def name_zips(zips: Sequence[Zipped]) -> dict[str, Zipped]:
    """Return zip archives by their name, sorted.

    Raises
    ------
    RefusedError
        If one name stands for different bytes.
    """
    pairs = ((each.name, each.wanted.oid.md5, each.label) for each in zips)
    order = name_archives(pairs, hint="Name the packages that are meant, each in one version.")
    named = {each.name: each for each in reversed(zips)}
    return {name: named[name] for name in order}
