"""Validating: everything that is wrong with a registry, or with a submission to it, at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import NeurogisterError, UsageError
from ..model.finding import UNJUDGED, Finding, Report, in_order
from ..progress import SILENT, Progress
from .validation.building import build_submission
from .validation.collections import check_collections
from .validation.contents import list_submitted
from .validation.documents import check_documents
from .validation.dtypes import check_dtypes
from .validation.dvcfiles import check_dvc
from .validation.fixes import Fixes
from .validation.identity import check_identity
from .validation.ledgers import check_ledgers
from .validation.licences import check_licences
from .validation.manifests import check_manifests
from .validation.ownobjects import check_objects
from .validation.packages import check_packages
from .validation.privacy import check_privacy
from .validation.reading import finding
from .validation.submission import Submission
from .validation.texts import check_texts
from .validation.tree import check_tree
from .validation.vendors import check_vendors
from .writable import held_for_writing

if TYPE_CHECKING:
    from .session import Session

_MOST_ALIKE = 100  # findings of one rule in one file: a hostile one has a million
Check = Callable[[Submission], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    check_tree,
    check_objects,
    check_documents,
    check_identity,
    check_ledgers,
    check_manifests,
    check_packages,
    check_vendors,
    check_collections,
    check_licences,
    check_texts,
    check_dtypes,
    check_privacy,
    check_dvc,
)
"""All families of rules that need git alone, in the order in which they are asked."""


def validate(
    session: Session,
    *,
    base: str | None = None,
    staged: bool = False,
    overlay: Mapping[str, bytes | None] | None = None,
    actor: str | None = None,
    scope: str | None = None,
    remote: bool = False,
    staging: Sequence[str] = (),
    progress: Progress = SILENT,
    contents: bool = False,
) -> Report:
    """Find everything that is wrong.

    Parameters
    ----------
    session : Session
        The registry.
    base : str, optional
        The revision that the submission is to be merged into; without one, the whole registry is
        validated by itself.
    staged : bool
        Whether what is staged is looked at, in place of the work tree.
    overlay : mapping of str to bytes, optional
        Files that are about to be written, by their paths (None: removed).
    actor : str, optional
        The account of whoever submits, for what only a vendor's maintainers may do.
    scope : {'contributor', 'maintainer'}, optional
        Whether only what contributors may do is allowed; by default where there is a base.
    remote : bool
        Whether the bytes of new data are looked for too, in the main remote and in staging.
    staging : sequence of str
        Where bytes may wait, if not where ``registry.yaml`` or the commits say.
    progress : Progress
        Told about what is looked for there.
    contents : bool
        Whether to tell what is added, changed and removed, too.

    Returns
    -------
    Report
        All findings. That something could not be judged is one of them, and no exception.

    Raises
    ------
    NotFoundError
        If a revision does not exist, or the two have no history in common.
    UsageError
        If what is staged is asked for where there is no work tree.
    """
    submission = _submission(
        session, base=base, staged=staged, overlay=overlay, actor=actor, scope=scope
    )
    findings = list(_all(submission))
    if remote or staging:
        from .validation.objects import check_objects_of  # the network, only where it is asked for

        findings += check_objects_of(submission, session, staging=staging, progress=progress)
    report = Report(
        findings=in_order(findings),
        base=submission.base,
        head=session.reader.commit,
        checked=len(submission.changes),
    )
    if contents:
        report.submitted, report.others = list_submitted(submission)
    return report


def fix(
    session: Session,
    *,
    base: str | None = None,
    actor: str | None = None,
    scope: str | None = None,
    remote: bool = False,
    staging: Sequence[str] = (),
    dry_run: bool = False,
    contents: bool = False,
    progress: Progress = SILENT,
) -> Report:
    """Mend the form of files in the work tree, and then find everything that is still wrong.

    What a file means is never changed, and no digest made up.

    Parameters
    ----------
    session, base, actor, scope, remote, staging, contents, progress
        As of `validate`.
    dry_run : bool
        Whether only to find out what would be mended.

    Returns
    -------
    Report
        With the files that were mended (or would be) in `fixed`.

    Raises
    ------
    UsageError, RefusedError
        If there is no work tree, or a file in it cannot be changed.
    """
    with held_for_writing(session, progress) as root:
        fixes = Fixes(_submission(session, base=base, actor=actor, scope=scope))
        if fixes.paths and not dry_run:
            fixes.apply(root)
            session.reader.refresh()
        report = validate(
            session, base=base, actor=actor, scope=scope, remote=remote, staging=staging,
            contents=contents, progress=progress,
        )  # fmt: skip
    return replace(report, fixed=fixes.paths)


def _submission(
    session: Session,
    *,
    base: str | None,
    staged: bool = False,
    overlay: Mapping[str, bytes | None] | None = None,
    actor: str | None = None,
    scope: str | None = None,
) -> Submission:
    reader = session.reader
    if staged and reader.worktree is None:
        raise UsageError(
            "nothing is staged where there is no work tree", hint="Run it in a checkout."
        )
    return build_submission(
        reader.repository,
        head=reader.commit,
        base=None if base is None else reader.repository.resolve(base),
        staged=staged,
        root=reader.root,
        overlay=overlay,
        actor=actor,
        scope=scope,
    )


def _all(submission: Submission) -> Iterator[Finding]:
    told: Counter[tuple[str, str]] = Counter()
    for check in CHECKS:
        try:
            for each in check(submission):
                told[each.rule, each.path] += 1
                if told[each.rule, each.path] <= _MOST_ALIKE:
                    yield each
        except NeurogisterError as error:
            name = check.__name__.removeprefix("check_")
            yield finding(
                "not-judged", "", f"the rules about {name} could not be judged: {error.message}",
                fix=error.hint, severity=UNJUDGED,
            )  # fmt: skip
    for (rule, path), number in told.items():
        if number > _MOST_ALIKE:
            yield finding(rule, path, f"and {number - _MOST_ALIKE:,} more of this rule in the file")
