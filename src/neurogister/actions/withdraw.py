"""Withdrawing datasets: a tombstone stays, the identifier is taken for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RefusedError, UsageError
from ..model.ledger import Version
from ..model.names import Target
from ..model.pointer import SUFFIX as POINTER_SUFFIX
from ..model.record import Record, Withdrawal
from ..model.writing import check_document, dump_document
from ..progress import SILENT, Progress
from ..registry.changes import ChangeSet
from ..registry.layout import YAML_LIMIT, YAML_SUFFIX
from .locate import locate
from .records import old_versions
from .writable import check_git, commit_changes, held_for_writing, now, raise_problems, who

if TYPE_CHECKING:
    from ..errors import NeurogisterError
    from ..model.dataset import Dataset
    from .session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What became of one dataset.

    Parameters
    ----------
    name : str
    id : str, optional
    tombstone : str
        The file that says so, from the top of the registry.
    changed : bool
        False if it was withdrawn before.
    copies : tuple of Path
        Copies on this machine that were known; they are not removed.
    """

    name: str
    id: str | None
    tombstone: str
    changed: bool
    copies: tuple[Path, ...] = ()


@dataclass(slots=True)
class WithdrawReport:
    """What a withdrawal did, or would do.

    Parameters
    ----------
    withdrawn : list of Withdrawn
    staged : list of str
        The files that were staged or committed.
    commit : str, optional
        The commit that was made.
    """

    withdrawn: list[Withdrawn] = field(default_factory=list)
    staged: list[str] = field(default_factory=list)
    commit: str | None = None

    @property
    def changes(self) -> bool:
        """Whether anything was, or would be, changed."""
        return any(each.changed for each in self.withdrawn)


def withdraw(
    session: Session,
    names: Sequence[str],
    reason: str,
    *,
    commit: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> WithdrawReport:
    """Withdraw datasets: their pointers give way to tombstones, which every client obeys.

    The bytes stay where they are: in remotes, caches and work trees; who runs each decides.

    Parameters
    ----------
    session : Session
        The registry: a checkout.
    names : sequence of str
        Datasets or resources; globs too.
    reason : str
        Why, for everybody who asks.
    commit : bool
        Whether to commit in git, and not only to stage.
    dry_run : bool
        Whether only to find out what would happen.
    progress : Progress
        Told when it waits.

    Raises
    ------
    UsageError
        If there is no reason, or a version or part is named.
    RefusedError
        If one is a package, or a package is made of it.
    """
    if not reason.strip():
        raise UsageError("a withdrawal needs a reason", hint="`--reason TEXT`")
    with held_for_writing(session, progress) as root:
        targets = session.reader.resolve(names)
        items = {target.item.place: target.item for target in targets}
        _refuse(targets)
        changes, report = ChangeSet(), WithdrawReport()
        tombstone = Withdrawal(date=now(), by=who(session), reason=reason.strip())
        for item in items.values():
            report.withdrawn.append(_plan(session, item, tombstone, changes))
        check_git(session, changes.paths, commit=commit)
        if not dry_run:
            changes.apply(root)
            # those of earlier withdrawals too: one may have been interrupted before this
            pointers = [f"{place}{POINTER_SUFFIX}" for place in items]
            report.staged = [*(each.tombstone for each in report.withdrawn), *pointers]
            report.commit = commit_changes(
                session, report.staged, _message(report.withdrawn, reason), commit=commit
            )
    return report


def _refuse(targets: Sequence[Target]) -> None:
    problems: list[NeurogisterError] = []
    for target in targets:
        item = target.item
        if target.version is not None or target.part is not None:
            problems.append(
                RefusedError(
                    f"{target.as_typed}: only whole datasets are withdrawn, with all versions"
                )
            )
        elif item.kind == "package":
            problems.append(RefusedError(f"{item.name} is a package: remove its members instead"))
        elif item.error is not None:
            problems.append(RefusedError(item.error, hint="Mend the file first."))
    raise_problems(problems, len(targets))


def _plan(session: Session, item: Dataset, tombstone: Withdrawal, changes: ChangeSet) -> Withdrawn:
    path = f"{item.place}{YAML_SUFFIX}"
    if item.status == "withdrawn":
        pointer = f"{item.place}{POINTER_SUFFIX}"
        beside = item.pointer_path is None and session.reader.read_file(pointer) is not None
        if beside:  # of its tombstone: the withdrawal was interrupted
            changes.remove(pointer)
        return Withdrawn(name=item.name, id=item.id, tombstone=path, changed=beside)
    record = _buried(item.record or Record(), tuple(old_versions(session, item)), tombstone)
    data = dump_document(record.as_mapping(), schema="resource")
    check_document(data, path, limit=YAML_LIMIT)
    copies = _local_copies(session, item)
    # The tombstone first: nobody must see the registry with neither, and so the identifier free.
    changes.write(path, data)
    if item.pointer_path is not None:
        changes.remove(item.pointer_path)
    # The .gitignore stays: what is in a work tree must not get into git now.
    return Withdrawn(name=item.name, id=item.id, tombstone=path, changed=True, copies=copies)


def _buried(record: Record, versions: tuple[Version, ...], tombstone: Withdrawal) -> Record:
    """Return the record of what is withdrawn: what it was called, no longer what it says.

    The description and the metadata may be the very reason for a withdrawal.
    """
    return Record(
        id=record.id,
        version=record.version or (versions[-1].version if versions else None),
        versions=versions,
        dtype=record.dtype,
        title=record.title,
        license=record.license,
        created_by=record.created_by,
        created_on=record.created_on,
        locations=record.locations,
        former_names=record.former_names,
        status="withdrawn",
        withdrawn=tombstone,
    )


def _local_copies(session: Session, item: Dataset) -> tuple[Path, ...]:
    if item.pointer is None:
        return ()
    found = next(iter(locate(session, [Target(item=item)])))
    return tuple(Path(copy.address) for copy in found.copies if copy.kind in ("work tree", "cache"))


def _message(withdrawn: Sequence[Withdrawn], reason: str) -> str:
    names = [each.name for each in withdrawn if each.changed] or [e.name for e in withdrawn]
    what = names[0] if len(names) == 1 else f"{len(names)} datasets"
    return f"Withdraw {what}\n\n{reason.strip()}"
