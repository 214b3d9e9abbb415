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
    """Ask a remote what it knows of objects.

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
    asker = _Asker([remote], jobs=jobs, retries=retries, progress=progress)
    failed = asker.run_all([Question(oid) for oid in dict.fromkeys(oids)])
    return {**asker.answers, **failed}


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
