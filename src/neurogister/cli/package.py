"""``neurogister package``: versioned sets of datasets for one purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..actions.packages import Changed, NewPackage, add_members, create_package, remove_members
from ..actions.release import PLANNED, UNCHANGED, Release, release
from ..actions.vendors import get_vendor
from ..errors import UsageError
from .application import Application
from .deposit import shape as deposit_shape
from .errors import WOULD_CHANGE
from .list_ import list_items
from .options import (
    CommitOption,
    DryRunOption,
    JobsOption,
    JsonOption,
    complete_collection,
    complete_name,
    complete_package,
    complete_vendor,
)
from .options import command as common
from .output import counted, human_size

FORMAT = "neurogister.package/1"
RELEASE_FORMAT = "neurogister.release/1"

application = typer.Typer(
    help="Make packages of datasets, and release versions of them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

PackageArgument = Annotated[
    str,
    typer.Argument(metavar="VENDOR/NAME", help="The package.", autocompletion=complete_package,
                   show_default=False),
]  # fmt: skip
MembersArgument = Annotated[
    list[str],
    typer.Argument(metavar="DATASET[@VERSION][:PART][=PATH]...", autocompletion=complete_name,
                   help="A dataset, or a part of it, and where it goes in the package.",
                   show_default=False),
]  # fmt: skip


PushOption = Annotated[
    bool | None,
    typer.Option("--push/--no-push", show_default=False,
                 help="Upload to the remote, or not; else if one can be written."),
]  # fmt: skip
UploadOption = Annotated[
    str | None, typer.Option("--remote", "-r", metavar="NAME", help="Upload to this DVC remote.")
]
VerifyRemoteOption = Annotated[
    bool, typer.Option("--verify-remote", help="Read every byte back from the remote.")
]


@application.command("list")
@common
def list_(
    application: Application,
    vendor: Annotated[
        str | None,
        typer.Argument(metavar="VENDOR", autocompletion=complete_vendor, help="Only its packages."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the packages, as `list --packages` does."""
    pattern = None if vendor is None else f"{get_vendor(application.session, vendor).name}/*"
    list_items(application, "packages", pattern, json, {})


@application.command("create")
@common
def create(
    application: Application,
    name: Annotated[
        str, typer.Argument(metavar="VENDOR/NAME", help="The new package.", show_default=False)
    ],
    members: Annotated[
        list[str] | None,
        typer.Argument(metavar="DATASET[@VERSION][:PART][=PATH]...", autocompletion=complete_name,
                       help="A dataset, or a part of it, and where it goes in the package.",
                       show_default=False),
    ] = None,
    *,
    purpose: Annotated[
        str, typer.Option("--purpose", metavar="TEXT", help="What it is for.", show_default=False)
    ],
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT")] = None,
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT")] = None,
    license_: Annotated[
        str | None, typer.Option("--license", metavar="SPDX", help="Of the whole.")
    ] = None,
    from_zip: Annotated[
        Path | None,
        typer.Option("--from-zip", metavar="FILE", show_default=False,
                     help="Deposit this zip archive and its files, and make the package of them."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="COLLECTION", autocompletion=complete_collection,
                     help="Where its datasets go.", show_default=False),
    ] = None,
    id_: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", show_default=False,
                     help="The identifier of its files; that of the archive is ID-zip."),
    ] = None,
    new_collection: Annotated[
        bool, typer.Option("--new-collection", help="The collection may be a new one.")
    ] = False,
    allow_duplicate: Annotated[
        bool,
        typer.Option("--allow-duplicate", help="Also content that another identifier has."),
    ] = False,
    push: PushOption = None,
    remote: UploadOption = None,
    verify_remote: VerifyRemoteOption = False,
    jobs: JobsOption = None,
    commit: CommitOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Say what a new package is made of, in its PACKAGE.yaml; nothing is released yet.

    A member goes to the path behind `=`, or is called by its own last name.

    With `--from-zip` the members are the files of a zip archive, without the one folder that they
    all lie in: the archive and its files become datasets of the collection, and `pull --layout`
    delivers the very archive.
    """
    application.option(remote=remote, jobs=jobs)
    new = NewPackage(
        name=name, purpose=purpose, title=title, description=description, license=license_
    )
    if from_zip is None:
        _refuse_options(members, to, id_)
        done = create_package(
            application.session, new, members or [], commit=commit, dry_run=dry_run,
            progress=application.progress,
        )  # fmt: skip
    else:
        from ..actions.deposited import Manner
        from ..actions.fromzip import ZipWishes, create_from_zip

        if members or to is None:
            raise UsageError(
                "--from-zip needs a collection for its datasets, and takes no other members",
                hint="`--to COLLECTION`; `neurogister package add` adds members later.",
            )
        wishes = ZipWishes(
            file=from_zip, to=to, id=id_, new_collection=new_collection,
            allow_duplicate=allow_duplicate,
        )  # fmt: skip
        manner = Manner(push=push, verify_remote=verify_remote, commit=commit, dry_run=dry_run)
        done = create_from_zip(
            application.session, new, wishes, manner, progress=application.progress
        )
    _print(application, done, json=json, dry_run=dry_run)


def _refuse_options(members: list[str] | None, to: str | None, id_: str | None) -> None:
    """Refuse what makes no sense without a zip archive."""
    if not members:
        raise UsageError(
            "a package is made of datasets, and none is named",
            hint="`neurogister package create --help` tells how; or `--from-zip FILE`.",
        )
    if to is not None or id_ is not None:
        raise UsageError("--to and --id say where the datasets of `--from-zip` go")


@application.command("add")
@common
def add(
    application: Application,
    name: PackageArgument,
    members: MembersArgument,
    commit: CommitOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Add members to what the next release is made of."""
    done = add_members(
        application.session, name, members, commit=commit, dry_run=dry_run,
        progress=application.progress,
    )  # fmt: skip
    _print(application, done, json=json, dry_run=dry_run)


@application.command("remove")
@common
def remove(
    application: Application,
    name: PackageArgument,
    members: Annotated[
        list[str],
        typer.Argument(metavar="MEMBER...", show_default=False,
                       help="A path in the package, or a dataset."),
    ],
    commit: CommitOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Take members out of what the next release is made of; released versions keep them."""
    done = remove_members(
        application.session, name, members, commit=commit, dry_run=dry_run,
        progress=application.progress,
    )  # fmt: skip
    _print(application, done, json=json, dry_run=dry_run)


@application.command("release")
@common
def release_(
    application: Application,
    name: PackageArgument,
    version: Annotated[
        str,
        typer.Argument(metavar="VERSION", help="As 1.2.0; greater than the last.",
                       show_default=False),
    ],
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="What is new.")] = None,
    push: PushOption = None,
    remote: UploadOption = None,
    verify_remote: VerifyRemoteOption = False,
    jobs: JobsOption = None,
    commit: CommitOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Release a version: from now on it is these bytes, and nothing else.

    It is computed from digests, so that no data need be here; its listing goes to the remote, and
    pointer, manifest and ledger into git.
    """
    application.option(remote=remote, jobs=jobs)
    done = release(
        application.session, name, version, note=note, push=push, verify_remote=verify_remote,
        commit=commit, dry_run=dry_run, progress=application.progress,
    )  # fmt: skip
    if json:
        application.output.json(_release_shape(done))
    else:
        application.output.table(
            ("status", "package", "version", "size", "files", "md5", "remote"),
            [(done.status, done.name, done.version, human_size(done.size), done.nfiles, done.md5,
              done.remote)],
            right=("size", "files"),
            drop=("remote", "md5"),
        )  # fmt: skip
    _summarise(application, done)
    if dry_run and done.changes:
        application.exit(WOULD_CHANGE)


def _summarise(application: Application, done: Release) -> None:
    progress = application.progress
    if done.status == PLANNED or (done.status == UNCHANGED and not done.staged):
        return
    if done.unpushed is not None:
        progress.warn(
            f"not pushed: {done.unpushed}; run the same command with `--push` to bring its listing"
            " to a remote"
        )
    if done.commit:
        progress.say(f"committed {counted(len(done.staged), 'file')} as {done.commit[:10]}")
    elif done.staged and done.status != UNCHANGED:
        progress.say(f"staged {counted(len(done.staged), 'file')}: `git commit` makes it history")


def _print(application: Application, done: Changed, *, json: bool, dry_run: bool) -> None:
    if json:
        application.output.json(
            {
                "format": FORMAT,
                "name": done.name,
                "file": done.file,
                "members": [_member(each) for each in done.members],
                "added": [_member(each) for each in done.added],
                "removed": [_member(each) for each in done.removed],
                "changed": done.changed,
                "deposited": [deposit_shape(each) for each in done.deposited],
            }
        )
    else:
        rows = [("+", str(each), each.path) for each in done.added]
        rows += [("-", str(each), each.path) for each in done.removed]
        application.output.table(("", "member", "path"), rows, cut=False)
    for each in done.deposited:
        application.progress.say(f"{each.status} {each.name} ({each.id})")
    if done.unpushed is not None:
        application.progress.warn(
            f"not pushed: {done.unpushed}; `dvc push` brings its datasets to a remote"
        )
    would = "would have" if dry_run else "has"
    application.progress.say(f"{done.name} {would} {counted(len(done.members), 'member')}")
    if dry_run and done.changed:
        application.exit(WOULD_CHANGE)


def _member(member: Any) -> dict[str, Any]:
    return {
        "dataset": member.dataset,
        "version": member.version,
        "part": member.part,
        "path": member.path,
    }


def _release_shape(done: Release) -> dict[str, Any]:
    return {
        "format": RELEASE_FORMAT,
        "name": done.name,
        "version": done.version,
        "md5": done.md5,
        "sha256": done.sha256,
        "size": done.size,
        "nfiles": done.nfiles,
        "members": list(done.members),
        "pointer": done.pointer,
        "status": done.status,
        "remote": done.remote,
        "stored": done.stored,
        "proof": done.proof,
        "zip": None if done.zip is None else done.zip.as_mapping(),
    }
