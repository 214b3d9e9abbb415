"""``neurogister pull``: data, verified."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..actions.pull import Pulled, PullReport, pull, pull_everything
from ..errors import UsageError, collect_errors
from ..model.ledger import as_version
from .application import Application
from .errors import WOULD_CHANGE, error_shape
from .options import (
    DryRunOption,
    IntoOption,
    JobsOption,
    JsonOption,
    LayoutOption,
    LockfileOption,
    RemoteOption,
    complete_pulled,
)
from .options import command as common
from .output import counted, human_size

FORMAT = "neurogister.pull/1"


@common
def command(
    application: Application,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", show_default=False, autocompletion=complete_pulled,
                       help="An identifier, a path, VENDOR/PACKAGE, a glob; with @VERSION and"
                       " :PART. Without one: everything."),
    ] = None,
    into: IntoOption = None,
    locked: Annotated[
        bool,
        typer.Option("--locked", help="Bring what neurogister.lock says; no registry is asked."),
    ] = False,
    lockfile: LockfileOption = None,
    layout: LayoutOption = None,
    remote: RemoteOption = None,
    jobs: JobsOption = None,
    force: Annotated[
        bool,
        typer.Option("--force", "-f",
                     help="Overwrite files that were changed here; get what was withdrawn."),
    ] = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Bring datasets and packages here, each byte checked against its record.

    In a checkout, data goes to its place in the work tree, as DVC would put it; with `-o DIR`, or
    from a remote registry, to that folder (or the current one). A part of a folder is
    NAME:PATH or NAME:'*.bval'. Prints the path of everything that was asked for, also if it was
    here already.

    With `--layout` the zip archives of packages and datasets are brought instead: `nf-neuro` puts
    them by their md5 into the cache of nf-neuro's tests, `zip` under their names into the working
    directory.

    With `--locked`, versions and digests are those of the lockfile, and neither git nor the
    registry is needed; the data goes to the folder of the lockfile, or the one that it names.
    """
    application.option(remote=remote, jobs=jobs)
    if locked or lockfile is not None:
        report = pull_from_lockfile(
            application, names or [], lockfile, layout, into=into, force=force, dry_run=dry_run
        )
        tell(application, report, json=json, dry_run=dry_run)
        return
    session = application.session
    options: dict[str, Any] = {
        "into": None if into is None else into.absolute(),
        "force": force,
        "dry_run": dry_run,
        "progress": application.progress,
    }
    if layout is not None:
        report = _pull_zips(application, names, layout, options)
    elif names:
        report = pull(session, application.resolve(names), **options)
    else:
        report = pull_everything(session, **options)
    tell(application, report, json=json, dry_run=dry_run)


def pull_from_lockfile(
    application: Application,
    names: list[str],
    lockfile: Path | None,
    layout: str | None = None,
    *,
    into: Path | None,
    force: bool,
    dry_run: bool,
) -> PullReport:
    """Bring what a lockfile says; an option that names a registry makes no sense then."""
    refuse_registry(application)
    return application.lockfile(lockfile).sync(
        names or None, into=into, layout=layout, force=force, dry_run=dry_run
    )


def refuse_registry(application: Application) -> None:
    """Refuse an option that names a registry, where a lockfile does."""
    for name, option in (("registry", "-C"), ("rev", "--rev")):
        if application.settings.origins.get(name) == "flag":
            raise UsageError(
                f"{option} is of no use here: a lockfile names its registries itself",
                hint="Leave it out, or ask without `--locked` and `--lockfile`.",
            )


def _pull_zips(
    application: Application, names: list[str] | None, layout: str, options: dict[str, Any]
) -> PullReport:
    from ..actions.layouts import check_layout, pull_zips  # rarely asked for
    from ..actions.listing import everything

    check_layout(layout)
    session = application.session
    targets = application.resolve(names) if names else everything(session)
    return pull_zips(session, targets, layout, named=bool(names), **options)


def tell(application: Application, report: PullReport, *, json: bool, dry_run: bool) -> None:
    """Print where things are, and end with the status that it amounts to."""
    if json:
        application.output.json_lines(_shape(one) for one in report.pulled)
    else:
        for one in report.pulled:
            if one.error is None:
                application.output.line(one.path)
    _summarise(application, report, dry_run=dry_run)
    if report.errors:
        raise collect_errors(report.errors, len(report.pulled))
    if dry_run and report.changes:
        application.exit(WOULD_CHANGE)


def _shape(one: Pulled) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": one.name,
        "version": as_version(one.version),
        "part": one.part,
        "zip": one.zip,
        "path": str(one.path),
        "files": one.files,
        "placed": one.placed,
        "size": one.size,
        "status": one.status,
        "error": None if one.error is None else error_shape(one.error),
    }


def _summarise(application: Application, report: PullReport, *, dry_run: bool) -> None:
    failed = len(report.errors)
    unchanged = sum(one.status == "unchanged" for one in report.pulled)
    if not report.changes and not failed:
        application.progress.say(f"{unchanged:,} up to date, nothing to do")
        return
    would = "would be " if dry_run else ""
    placed = counted(sum(one.placed for one in report.pulled if one.error is None), "file")
    parts = [f"{placed} {would}put in place"]
    if not failed:
        about = "" if report.size_known else "about "
        objects = (
            f"{counted(report.fetched_files, 'object')} ({about}{human_size(report.fetched_size)})"
        )
        parts.append(f"{objects} {would}fetched")
    if unchanged:
        parts.append(f"{unchanged:,} up to date")
    if failed:
        parts.append(f"{failed:,} failed")
    application.progress.say(", ".join(parts))
