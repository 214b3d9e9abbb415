"""Bringing what was deposited to the registry's remote, before anybody is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import NeurogisterError, NotFoundError, OfflineError, RefusedError, collect_errors
from ..model.objects import ObjectId
from .upload import Outgoing, Stored, upload

if TYPE_CHECKING:
    from ..backends.remotes import Remote
    from ..progress import Progress
    from .records import Content
    from .session import Session


def push_contents(
    session: Session,
    contents: Sequence[Content],
    labels: Sequence[str],
    *,
    push: bool | None,
    read_back: bool,
    into: Remote | None = None,
    progress: Progress,
) -> tuple[str | None, dict[ObjectId, Stored], str | None]:
    """Upload objects, and make sure that the remote has them.

    Parameters
    ----------
    session : Session
        The registry; its cache has all of the objects.
    contents : sequence of Content
        What to push.
    labels : sequence of str
        What the user calls each.
    push : bool, optional
        True if it is wanted; None: if there is a remote that can be written.
    read_back : bool
        Whether to read every byte back.
    into : Remote, optional
        Where to; else the remote that the registry keeps its bytes in.
    progress : Progress
        Told about each object.

    Returns
    -------
    remote : str or None
        Its name; None if nothing was pushed.
    stored : dict
        The outcome for each object.
    unpushed : str or None
        Why nothing was pushed.

    Raises
    ------
    NetworkError, CredentialsError, IntegrityError, NoSpaceError
        If the remote does not take them, or does not have them afterwards.
    """
    try:
        if session.settings.offline:
            raise OfflineError("the network may not be used (`--offline`)")
        remote = into or session.writable_remote(None)
    except (NotFoundError, RefusedError, OfflineError) as error:
        if push:
            raise
        return None, {}, error.message
    outgoing = list(_outgoing(session, contents, labels))
    size = sum(one.size for one in outgoing)
    progress.start(f"Pushing to '{remote.name}'", files=len(outgoing), size=size)
    try:
        results = upload(
            remote, outgoing, jobs=session.settings.jobs, retries=session.settings.retries,
            read_back=read_back, progress=progress,
        )  # fmt: skip
    finally:
        progress.finish()
    failed = [each for each in results.values() if isinstance(each, NeurogisterError)]
    if failed:
        raise collect_errors(failed, len(results))
    stored = {oid: each for oid, each in results.items() if isinstance(each, Stored)}
    return remote.name, stored, None


def _outgoing(
    session: Session, contents: Sequence[Content], labels: Sequence[str]
) -> Iterator[Outgoing]:
    holdings = session.holdings
    seen: set[ObjectId] = set()
    for content, label in zip(contents, labels, strict=True):
        for oid, size, name, sha256 in content.objects(label):
            if oid not in seen:
                seen.add(oid)
                yield Outgoing(oid, size, holdings.path(oid), name, sha256)
