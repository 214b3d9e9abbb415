"""Whether a remote has objects, asked for without transferring any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..backends.remotebase import ObjectStat
from ..errors import NeurogisterError
from ..model.objects import ObjectId
from ..progress import SILENT, Progress
from .attempts import Attempts, Unfinished
from .survey import MANY, survey

if TYPE_CHECKING:
    from ..backends.remotes import Remote


@dataclass(frozen=True, slots=True)
class Question:
    """An object that is asked for."""

    oid: ObjectId


def ask_for(
    remote: Remote,
    oids: Sequence[ObjectId],
    *,
    jobs: int | None = None,
    retries: int = 6,
    progress: Progress = SILENT,
) -> dict[ObjectId, ObjectStat | NeurogisterError]:
    """Ask a remote what it knows of objects: many at a time where it can list what it has.

    Parameters
    ----------
    remote : Remote
        Which.
    oids : sequence of ObjectId
        The objects.
    jobs : int, optional
        How many questions at once; none lets the remote choose.
    retries : int
        How often what failed for a passing reason is tried again.
    progress : Progress
        Told about each object; the caller starts and finishes it.

    Returns
    -------
    dict
        For each what the remote says, or why it says nothing: a `NotFoundError` if it has none.
    """
    listed = _listed(remote, oids)
    progress.advance(files=len(listed))
    asker = _Asker([remote], jobs=jobs, retries=retries, progress=progress)
    failed = asker.run_all([Question(oid) for oid in dict.fromkeys(oids) if oid not in listed])
    return {**listed, **asker.answers, **failed}


def _listed(remote: Remote, oids: Sequence[ObjectId]) -> dict[ObjectId, ObjectStat]:
    """Return what the remote lists, where many are asked for; what it leaves out may be there."""
    keys = {oid.key: oid for oid in oids if not oid.legacy}
    if len(keys) < MANY:
        return {}
    return {keys[key]: stat for key, stat in survey(remote, keys).seen.items()}


class _Asker(Attempts[Question, ObjectStat]):
    fatal = ()

    def __init__(self, remotes: Sequence[Remote], **options: Any) -> None:
        super().__init__(remotes, **options)
        self.answers: dict[ObjectId, ObjectStat | NeurogisterError] = {}

    def _do(self, task: Question) -> ObjectStat | Unfinished[ObjectStat]:
        return self._persist(self._remotes[0], task)

    def _try(self, remote: Remote, task: Question, *, careful: bool) -> ObjectStat:
        return remote.stat(task.oid.key, careful=careful)

    def _keep(self, done: Sequence[tuple[Question, ObjectStat]]) -> None:
        self.answers |= {task.oid: stat for task, stat in done}
