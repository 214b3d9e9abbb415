"""What a release needs from outside git: sizes that no manifest tells, a place for its listing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..backends.remotebase import ObjectStat
from ..errors import NeurogisterError, NotFoundError, OfflineError, RefusedError
from ..model.listing import Entry, dump_listing
from ..model.objects import ObjectId
from ..model.package import Member
from ..model.zips import Zip
from ..progress import Progress
from .members import open_members
from .writable import raise_problems

if TYPE_CHECKING:
    from ..backends.remotes import Remote
    from ..model.zips import ZipSource
    from .members import Piece
    from .session import Session


@dataclass(frozen=True, slots=True)
class Push:
    """Whether a listing goes to the remote, and how it is proven.

    Parameters
    ----------
    wanted : bool, optional
        None: if there is a remote that can be written.
    read_back : bool
        Whether to read back what the remote has.
    """

    wanted: bool | None = None
    read_back: bool = False


def sizes_of(
    session: Session, pieces: Sequence[Piece], progress: Progress
) -> tuple[tuple[Entry, ...], int]:
    """Return the files of all members, sorted, each with its size, and the sum of these.

    Where no pointer or manifest tells, the cache or the remote does.

    Raises
    ------
    RefusedError
        If nobody knows the size of a file.
    """
    entries = [(piece, entry) for piece in pieces for entry in piece.entries or ()]
    sizes = _find_sizes(session, entries, progress)
    sized, problems = [], []
    for piece, entry in entries:
        size = entry.size if entry.size is not None else sizes.get(_oid(piece, entry))
        if size is None:
            problems.append(
                RefusedError(
                    f"{piece.member}: nobody here knows the size of {entry.path}",
                    hint=f"`neurogister pull {piece.item.name}` first.",
                )
            )
        sized.append(replace(entry, size=size))
    raise_problems(problems, len(entries))
    sized.sort(key=lambda entry: entry.path)
    return tuple(sized), sum(entry.size or 0 for entry in sized)


def _oid(piece: Piece, entry: Entry) -> ObjectId:
    return ObjectId(entry.md5, legacy=piece.selection.oid.legacy)


def _find_sizes(
    session: Session, entries: Sequence[tuple[Piece, Entry]], progress: Progress
) -> dict[ObjectId, int]:
    unknown = {_oid(piece, entry) for piece, entry in entries if entry.size is None}
    sizes: dict[ObjectId, int] = {}
    for cache in session.holdings.caches if unknown else ():
        for oid in unknown - sizes.keys():
            if (stat := cache.stat(oid)) is not None:
                sizes[oid] = stat.size
    left = unknown - sizes.keys()
    for remote in session.remotes if left and not session.settings.offline else ():
        for oid, told in _ask(session, remote, left - sizes.keys(), progress).items():
            if isinstance(told, ObjectStat) and told.size is not None:
                sizes[oid] = told.size
    return sizes


def open_zip(session: Session, said: ZipSource) -> Piece:
    """Return the zip archive that a package is to be delivered as, as a member is opened.

    Raises
    ------
    RefusedError
        If the dataset is not there, was withdrawn, or is no single file that DVC 3 keeps.
    """
    pieces, problems = open_members(session, [Member(said.dataset, said.name)], ask=False)
    for problem in problems:
        raise RefusedError(f"its zip archive: {problem.message}", hint=problem.hint)
    [piece] = pieces
    if piece.selection.is_folder or piece.selection.oid.legacy:
        what = "is a folder" if piece.selection.is_folder else "is kept as DVC 2 did"
        raise RefusedError(
            f"its zip archive {said.dataset} {what}",
            hint="`zip` in the file of the package names a dataset that is one file.",
        )
    return piece


def zip_of(piece: Piece) -> Zip:
    """Return what a ledger says of the zip archive of a release.

    Parameters
    ----------
    piece : Piece
        As `open_zip` returns it.
    """
    selection = piece.selection
    return Zip(
        name=piece.member.path, md5=selection.oid.md5, size=selection.size,
        sha256=selection.sha256, dataset=piece.name,
    )  # fmt: skip


def push_listing(
    session: Session,
    entries: Sequence[Entry],
    oid: ObjectId,
    pieces: Sequence[Piece],
    push: Push,
    *,
    progress: Progress,
) -> dict[str, Any]:
    """Put the listing of a package into the cache and the remote, which must have its files.

    Returns
    -------
    dict
        With ``remote``, ``stored`` and ``proof``; or with ``unpushed``, why it was not pushed.

    Raises
    ------
    RefusedError, SeveralErrors
        If the remote lacks files; each dataset is named.
    NetworkError, CredentialsError, IntegrityError, NoSpaceError
        If the remote does not take the listing, or cannot be asked.
    """
    data = dump_listing(entries)
    cache = session.holdings.target()
    session.holdings.took([(oid, cache.store(oid, data), None)])
    if push.wanted is False:
        return {"unpushed": "as asked"}
    try:
        if session.settings.offline:
            raise OfflineError("the network may not be used (`--offline`)")
        remote = session.writable_remote(None)
    except (NotFoundError, RefusedError, OfflineError) as error:
        if push.wanted:
            raise
        return {"unpushed": error.message}
    _refuse_missing(session, remote, pieces, progress)
    return _upload(session, remote, oid, len(data), push, progress)


def _refuse_missing(
    session: Session, remote: Remote, pieces: Sequence[Piece], progress: Progress
) -> None:
    wanted = {_oid(piece, entry) for piece in pieces for entry in piece.entries or ()}
    answers = _ask(session, remote, wanted, progress)
    failed = [each for each in answers.values() if isinstance(each, NeurogisterError)]
    for error in failed:
        if not isinstance(error, NotFoundError):
            raise error
    problems: list[NeurogisterError] = []
    for piece in pieces if failed else ():
        missing = list(_missing(piece, answers))
        if missing:
            some = f"{', '.join(missing[:3])}{', …' if len(missing) > 3 else ''}"
            problems.append(
                RefusedError(
                    f"the remote '{remote.name}' lacks {len(missing):,} of the"
                    f" {len(piece.entries or ()):,} files of {piece.member}: {some}",
                    hint=f"`dvc push {piece.item.path}` brings them there; `--no-push` releases"
                    " without. Nothing was released.",
                )
            )
    raise_problems(problems, len(pieces))


def _missing(piece: Piece, answers: dict[ObjectId, ObjectStat | NeurogisterError]) -> Iterator[str]:
    for entry in piece.entries or ():
        if isinstance(answers[_oid(piece, entry)], NeurogisterError):
            yield entry.path


def _ask(
    session: Session, remote: Remote, oids: set[ObjectId], progress: Progress
) -> dict[ObjectId, ObjectStat | NeurogisterError]:
    from .presence import ask_for  # the network, only when it is needed

    progress.start(f"Asking '{remote.name}'", files=len(oids), size=0)
    try:
        return ask_for(
            remote, sorted(oids, key=str), jobs=session.settings.jobs,
            retries=session.settings.retries, progress=progress,
        )  # fmt: skip
    finally:
        progress.finish()


def _upload(
    session: Session, remote: Remote, oid: ObjectId, size: int, push: Push, progress: Progress
) -> dict[str, Any]:
    from .upload import Outgoing, upload  # the network, only when it is needed

    outgoing = Outgoing(oid, size, session.holdings.path(oid), "the listing of the package")
    progress.start(f"Pushing to '{remote.name}'", files=1, size=size)
    try:
        results = upload(
            remote, [outgoing], retries=session.settings.retries, read_back=push.read_back,
            progress=progress,
        )  # fmt: skip
    finally:
        progress.finish()
    result = results[oid]
    if isinstance(result, NeurogisterError):
        raise result
    return {"remote": remote.name, "stored": result.state, "proof": result.proof}
