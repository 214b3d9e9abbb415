"""``neurogister lock``: the lockfile of a project that uses data."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..model.listing import Entry
from ..model.locked import Locked
from .application import Application
from .errors import WOULD_CHANGE, error_shape
from .options import (
    DryRunOption,
    IntoOption,
    JobsOption,
    JsonOption,
    LockfileOption,
    NamesArgument,
    RemoteOption,
    complete_locked,
)
from .options import command as common
from .output import counted, human_size

FORMAT = "neurogister.lock/1"
CHECK_FORMAT = "neurogister.lock-check/1"
DIFF_FORMAT = "neurogister.lock-diff/1"

application = typer.Typer(
    help="Pin data in neurogister.lock, and keep it up to date.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

LockedArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME...",
        help="What of the lockfile, as it was added; a glob. Without one: everything.",
        autocompletion=complete_locked,
        show_default=False,
    ),
]


@application.command("add")
@common
def add(
    application: Application,
    names: NamesArgument,
    lockfile: LockfileOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Pin datasets, packages and parts of them: the version, and each file to the byte.

    Without @VERSION it is the newest. What is pinned already changes its version, or stays as it
    is. The file is the neurogister.lock here or in a folder above, else a new one.
    """
    report = application.lockfile(lockfile).add(names, dry_run=dry_run)
    _tell(application, report, json=json, dry_run=dry_run)


@application.command("remove")
@common
def remove(
    application: Application,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...",
            help="What to take out; a glob.",
            show_default=False,
            autocompletion=complete_locked,
        ),
    ],
    lockfile: LockfileOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Take things out of the lockfile; what was pulled stays where it is."""
    report = application.lockfile(lockfile).remove(names, dry_run=dry_run)
    _tell(application, report, json=json, dry_run=dry_run)


@application.command("upgrade")
@common
def upgrade(
    application: Application,
    names: LockedArgument = None,
    lockfile: LockfileOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Bring what is locked to the newest version that its registry has.

    The registries are those of the lockfile; `-C PATH|URL` asks another one in their place.
    """
    report = application.lockfile(lockfile).upgrade(names or None, dry_run=dry_run)
    _tell(application, report, json=json, dry_run=dry_run)


def _tell(application: Application, report: Any, *, json: bool, dry_run: bool) -> None:
    from ..actions.lock import raise_errors

    if json:
        application.output.json_lines(
            {
                "format": FORMAT,
                "name": each.locked.name,
                "part": each.locked.part,
                "status": each.status,
                "before": _locked_shape(each.before),
                "after": _locked_shape(each.after),
                "error": None if each.error is None else error_shape(each.error),
            }
            for each in report.changes
        )
    else:
        application.output.table(
            ("status", "name", "version", "size"),
            [(each.status, each.locked.short, _versions(each), _size_of(application, each.locked))
             for each in report.changes],
            right=("size",), cut=False,
        )  # fmt: skip
    if report.written:
        would = "would be " if dry_run else ""
        application.progress.say(f"{report.path} {would}written")
    raise_errors(report)
    if dry_run and report.written:
        application.exit(WOULD_CHANGE)


def _versions(change: Any) -> str:
    texts = [str(each.version or each.md5[:8]) for each in (change.before, change.after) if each]
    return " → ".join(dict.fromkeys(texts))


def _size_of(application: Application, locked: Locked) -> str | int | None:
    return human_size(locked.size) if application.output.is_terminal else locked.size


def _locked_shape(locked: Locked | None) -> dict[str, Any] | None:
    if locked is None:
        return None
    return {
        "version": locked.version,
        "md5": locked.md5,
        "size": locked.size,
        "files": len(locked.files) if locked.is_folder else 1,
        "registry": locked.registry,
        "commit": locked.commit,
        "withdrawn": locked.withdrawn,
    }


@application.command("sync")
@common
def sync(
    application: Application,
    names: LockedArgument = None,
    into: IntoOption = None,
    lockfile: LockfileOption = None,
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
    """Bring here what the lockfile says: the same as `pull --locked`.

    Neither git nor the registry is asked, only the remotes; and those only for what is not in the
    cache.
    """
    from .pull import pull_from_lockfile, tell

    application.option(remote=remote, jobs=jobs)
    report = pull_from_lockfile(
        application, names or [], lockfile, into=into, force=force, dry_run=dry_run
    )
    tell(application, report, json=json, dry_run=dry_run)


@application.command("check")
@common
def check(
    application: Application,
    names: LockedArgument = None,
    lockfile: LockfileOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Ask the registries whether they still say what the lockfile says. For CI.

    Ends with 7 if something was withdrawn or is not the same any more. What was withdrawn is
    marked in the lockfile (not with `--dry-run`), so that `pull --locked` refuses it. A newer
    version is told, and nothing wrong.
    """
    from ..errors import collect_errors

    report = application.lockfile(lockfile).check(names or None, dry_run=dry_run)
    if json:
        application.output.json_lines(
            {
                "format": CHECK_FORMAT,
                "name": each.locked.name,
                "part": each.locked.part,
                "version": each.locked.version,
                "status": each.status,
                "detail": each.detail,
                "newest": each.newest,
            }
            for each in report.checked
        )
    else:
        application.output.table(
            ("status", "name", "version", "newest", "detail"),
            [(each.status, each.locked.short, each.locked.version, each.newest, each.detail)
             for each in report.checked],
            cut=False,
        )  # fmt: skip
    if report.marked:
        would = "would be " if dry_run else ""
        application.progress.say(f"marks of withdrawal {would}written to {report.path}")
    if report.errors:
        raise collect_errors(report.errors, len(report.checked))
    if dry_run and report.marked:
        application.exit(WOULD_CHANGE)


@application.command("diff")
@common
def diff(
    application: Application,
    names: LockedArgument = None,
    lockfile: LockfileOption = None,
    json: JsonOption = False,
) -> None:
    """Show what `lock upgrade` would change, in files and bytes; nothing is written.

    In a pipe, the columns are separated by tabs: `+`, `-` or `~`, name, path, bytes before, bytes
    after.
    """
    found = application.lockfile(lockfile).diff(names or None)
    if json:
        application.output.json_lines(_diff_shape(each) for each in found)
    else:
        application.output.table(
            ("", "name", "path", "before", "after"),
            [row for each in found for row in _diff_rows(application, each)],
            right=("before", "after"), cut=False,
        )  # fmt: skip
    changed = [each for each in found if each.change.status == "changed"]
    for each in changed:
        size = "?" if each.size is None else human_size(each.size)
        application.progress.say(f"{each.change.locked.short} {_versions(each.change)}: {size} new")
    if not changed:
        application.progress.say(f"{counted(len(found), 'thing')} locked, nothing newer")
    errors = [each.change.error for each in found if each.change.error is not None]
    if errors:
        from ..errors import collect_errors

        raise collect_errors(errors, len(found))


def _diff_rows(application: Application, each: Any) -> list[tuple[object, ...]]:
    def size(entry: Entry | None) -> str | int | None:
        if entry is None:
            return None
        return human_size(entry.size) if application.output.is_terminal else entry.size

    name = each.change.locked.short
    return [
        *(("+", name, new.path, None, size(new)) for new in each.added),
        *(("-", name, old.path, size(old), None) for old in each.removed),
        *(("~", name, new.path, size(old), size(new)) for old, new in each.changed),
    ]


def _diff_shape(each: Any) -> dict[str, Any]:
    def one(entry: Entry | None) -> dict[str, Any] | None:
        return None if entry is None else {"md5": entry.md5, "size": entry.size}

    rows = [
        *(("added", None, new) for new in each.added),
        *(("removed", old, None) for old in each.removed),
        *(("changed", old, new) for old, new in each.changed),
    ]
    return {
        "format": DIFF_FORMAT,
        "name": each.change.locked.name,
        "part": each.change.locked.part,
        "status": each.change.status,
        "before": _locked_shape(each.change.before),
        "after": _locked_shape(each.change.after),
        "size": each.size,
        "changes": [
            {"change": what, "path": (new or old).path, "before": one(old), "after": one(new)}
            for what, old, new in rows
        ],
    }
