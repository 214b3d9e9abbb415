"""``neurogister deposit``: files become datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..actions.deposit import deposit
from ..actions.deposited import PLANNED, Deposited, DepositReport, Manner
from ..actions.drafts import Wishes
from ..actions.sources import find_sources
from ..errors import UsageError
from ..model.assignments import parse_assignments
from ..model.table import Said
from .application import Application
from .errors import WOULD_CHANGE
from .names import names_from_input
from .options import (
    AssignOption,
    CommitOption,
    DryRunOption,
    JobsOption,
    JsonOption,
    complete_collection,
    complete_dtype,
    complete_name,
)
from .options import command as common
from .output import counted, human_size
from .validate import print_findings

if TYPE_CHECKING:
    from ..actions.submit import Route, Submitted

FORMAT = "neurogister.deposit/1"
SUBMISSION_FORMAT = "neurogister.submission/1"

FilesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILE...", help="Files and folders; a folder is one dataset.",
                   show_default=False),
]  # fmt: skip


@common
def command(
    application: Application,
    files: FilesArgument = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="COLLECTION", help="Where to; COLLECTION/FOLDER goes too.",
                     autocompletion=complete_collection),
    ] = None,
    id_: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The identifier, of a single file.")
    ] = None,
    auto_id: Annotated[
        bool | None,
        typer.Option("--auto-id/--no-auto-id", show_default=False,
                     help="Make identifiers up, or take the files' names."),
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option("--dtype", metavar="DTYPE", help="The kind of data.",
                     autocompletion=complete_dtype),
    ] = None,
    assignments: AssignOption = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT")] = None,
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT")] = None,
    license_: Annotated[
        str | None,
        typer.Option("--license", metavar="SPDX", help="If it is not that of the collection."),
    ] = None,
    derived_from: Annotated[
        list[str] | None,
        typer.Option("--derived-from", metavar="ID", help="What it was made from; repeatable."),
    ] = None,
    note: Annotated[
        str | None, typer.Option("--note", metavar="TEXT", help="About this version.")
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--metadata", metavar="FILE", help="A table: CSV or YAML, a row for a file."),
    ] = None,
    stdin: Annotated[
        bool, typer.Option("--stdin", "-@", help="Read names of files from standard input.")
    ] = False,
    new_version: Annotated[
        str | None,
        typer.Option("--new-version", metavar="NAME", help="Add a version to this dataset.",
                     autocompletion=complete_name),
    ] = None,
    new_collection: Annotated[
        bool, typer.Option("--new-collection", help="The collection may be a new one.")
    ] = False,
    allow_duplicate: Annotated[
        bool,
        typer.Option("--allow-duplicate", help="Also content that another identifier has."),
    ] = False,
    move: Annotated[
        bool, typer.Option("--move", help="Remove the files once they are deposited.")
    ] = False,
    push: Annotated[
        bool | None,
        typer.Option("--push/--no-push", show_default=False,
                     help="Upload to the remote, or not; else if one can be written."),
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option("--remote", "-r", metavar="NAME", help="Upload to this DVC remote."),
    ] = None,
    verify_remote: Annotated[
        bool, typer.Option("--verify-remote", help="Read every byte back from the remote.")
    ] = False,
    jobs: JobsOption = None,
    commit: CommitOption = False,
    branch: Annotated[
        str | None,
        typer.Option("--branch", metavar="NAME", help="Commit on a new branch."),
    ] = None,
    send: Annotated[
        bool,
        typer.Option("--submit", help="On a branch, with a pull request; bytes go to staging."),
    ] = False,
    staging: Annotated[
        str | None,
        typer.Option("--staging", metavar="URL|REMOTE", help="Where the bytes wait (--submit)."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--staging-form", metavar="FILE|URL", help="A presigned form that takes them"
                     " (--submit)."),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", metavar="DIR|FILE.zip", help="Write them here, to be uploaded or"
                     " attached (--submit)."),
    ] = None,
    push_to: Annotated[
        str | None,
        typer.Option("--push-to", metavar="REMOTE", help="The git remote of your fork (--submit)."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only check, as strictly as a pull request is checked."),
    ] = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Deposit files: identifier, digests, record, remote and history, or nothing at all.

    Each file or folder becomes a dataset of the collection, called by its identifier: that of
    `--id`, one that is made up, or its name without extension. Your file stays where it is.
    Pointers are staged in git, or committed with `--commit` or `--branch`.
    """
    application.option(remote=remote, jobs=jobs)
    said = Said(
        dtype=dtype, title=title, description=description, license=license_, note=note,
        derived_from=tuple(derived_from or ()), metadata=parse_assignments(assignments or ()),
    )  # fmt: skip
    names = [*(files or ()), *(names_from_input() if stdin else ())]
    sources = find_sources(names, table=table, said=said)
    wishes = Wishes(
        to=to, id=id_, auto_id=auto_id, new_version=new_version,
        new_collection=new_collection, allow_duplicate=allow_duplicate,
    )  # fmt: skip
    manner = Manner(
        move=move, push=push, verify_remote=verify_remote, commit=commit, branch=branch,
        dry_run=dry_run, check=check,
    )  # fmt: skip
    route = _route(send, staging=staging, form=form, bundle=bundle, push_to=push_to)
    session, progress = application.session, application.progress
    if route is not None:
        from ..actions.submit import submit  # few deposits are submissions

        done = submit(session, sources, wishes, manner, route, progress=progress)
        report = done.report
    else:
        done = None
        report = deposit(session, sources, wishes, manner, progress=progress)
    if json:
        application.output.json_lines(shape(each) for each in report.deposited)
        if done is not None:
            application.output.json_lines([submission_shape(done)])
    else:
        application.output.table(
            ("status", "id", "name", "version", "size", "file", "remote"),
            [_row(each) for each in report.deposited],
            right=("version", "size"),
            drop=("remote", "version", "size", "name"),
        )
    _summarise(application, report)
    if done is not None:
        _tell(application, done, json=json)
    if report.validation is not None:
        print_findings(application, report.validation, json=json)
        if report.validation.status:
            application.exit(report.validation.status)
    if dry_run and report.changes:
        application.exit(WOULD_CHANGE)


def _route(
    send: bool,
    *,
    staging: str | None,
    form: str | None,
    bundle: Path | None,
    push_to: str | None,
) -> Route | None:
    if not send:
        if any(each is not None for each in (staging, form, bundle, push_to)):
            raise UsageError(
                "`--staging`, `--staging-form`, `--bundle` and `--push-to` go with `--submit`"
            )
        return None
    from ..actions.submit import Route  # few deposits are submissions

    return Route(staging=staging, form=form, bundle=bundle, push_to=push_to)


def _tell(application: Application, done: Submitted, *, json: bool) -> None:
    if done.pull_request is not None and not json:
        application.output.line(done.pull_request)
    for step in done.steps:
        application.progress.say(f"next: {step}")


def _row(each: Deposited) -> tuple[object, ...]:
    return (each.status, each.id, each.name, each.version, human_size(each.size), each.file,
            each.remote)  # fmt: skip


def shape(each: Deposited) -> dict[str, Any]:
    """Return one outcome as JSON."""
    return {
        "format": FORMAT,
        "id": each.id,
        "file": each.file,
        "name": each.name,
        "version": each.version,
        "pointer": each.pointer,
        "md5": each.md5,
        "sha256": each.sha256,
        "sha1": each.sha1,
        "blake3": each.blake3,
        "size": each.size,
        "nfiles": each.nfiles,
        "status": each.status,
        "remote": each.remote,
        "stored": each.stored,
        "proof": each.proof,
    }


def submission_shape(done: Submitted) -> dict[str, Any]:
    """Return a submission as JSON: the last line."""
    return {
        "format": SUBMISSION_FORMAT,
        "branch": done.branch,
        "commit": done.report.commit,
        "staging": done.staging,
        "pushed_to": done.pushed_to,
        "pull_request": done.pull_request,
        "next": list(done.steps),
    }


def _summarise(application: Application, report: DepositReport) -> None:
    progress = application.progress
    counts: dict[str, int] = {}
    for each in report.deposited:
        counts[each.status] = counts.get(each.status, 0) + 1
    progress.say(", ".join(f"{count:,} {status}" for status, count in counts.items()))
    if PLANNED in counts:
        return
    if report.unpushed is not None:
        one = f" {report.deposited[0].pointer}" if len(report.deposited) == 1 else ""
        progress.warn(f"not pushed: {report.unpushed}; `dvc push{one}` brings it to a remote")
    if report.commit:
        progress.say(f"committed {counted(len(report.staged), 'file')} as {report.commit[:10]}")
    elif report.staged:
        progress.say(f"staged {counted(len(report.staged), 'file')}: `git commit` makes it history")
