"""``neurogister cache``: the local copies."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer

from ..actions.caches import (
    CachedFolder,
    CachedObject,
    chosen_cache,
    list_cache,
    list_folders,
    session_for_cache,
    verify_cache,
)
from ..actions.prune import prune, prune_folders
from ..errors import IntegrityError, UsageError
from .application import Application
from .errors import WOULD_CHANGE
from .options import DryRunOption, JsonOption
from .options import command as common
from .output import counted, human_size

FORMAT = "neurogister.cache/1"

application = typer.Typer(
    help="List, shrink and check the cache: a checkout's own inside one, else the user's.",
    rich_markup_mode=None, add_completion=False, no_args_is_help=True,
)  # fmt: skip

UserOption = Annotated[
    bool, typer.Option("--user", help="The user's own cache, also inside a checkout.")
]


@application.command("ls")
@common
def list_objects(app: Application, user: UserOption = False, json: JsonOption = False) -> None:
    """List the objects, the largest first, with the datasets that they are of.

    Of the user's own cache, also the copies of registries and what `neurogister.fetch` delivered.
    """
    session = session_for_cache(app.settings, lambda: app.session)
    cache = chosen_cache(session, user=user)
    objects = list_cache(session, cache)
    folders = list_folders(session, cache)
    if json:
        app.output.json(
            {"format": FORMAT, "cache": str(cache.root),
             "objects": [_object(each) | {"used": each.used, "names": list(each.names)}
                         for each in objects],
             "folders": [_folder(each) for each in folders]}
        )  # fmt: skip
        return
    size_of = _sizes(app)
    rows = [(str(each.oid), size_of(each), each.used, " ".join(each.names)) for each in objects]
    rows += [(str(each.path), size_of(each), each.used, "") for each in folders]
    app.output.table(
        ("object", "size", "used", "names"),
        [(oid, size, time.strftime("%Y-%m-%d", time.localtime(used)), names)
         for oid, size, used, names in rows],
        right=("size",),
        drop=("names", "used"),
        cut=not folders,
    )  # fmt: skip
    total = sum(each.size for each in objects) + sum(each.size for each in folders)
    app.progress.say(f"{counted(len(rows), 'object')}, {human_size(total)} in {cache.root}")


@application.command("prune")
@common
def prune_objects(
    app: Application,
    max_size: Annotated[
        str | None,
        typer.Option("--max-size", metavar="SIZE", help="What may stay, as 20GB or 500MB."),
    ] = None,
    older_than: Annotated[
        int | None,
        typer.Option(
            "--older-than", metavar="DAYS", min=0, help="Only what was not used for so long."
        ),
    ] = None,
    user: UserOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Remove objects that were not used for longest; without a limit, all of them.

    Inside a checkout, an object goes only after every byte of it was read from a remote (its cache
    may hold the only copy), and not while files of the work tree are links to it.
    """
    session = session_for_cache(app.settings, lambda: app.session)
    cache = chosen_cache(session, user=user)
    oldest = None if older_than is None else time.time() - older_than * 86400
    limit = None if max_size is None else parse_size(max_size)
    pruned = prune(
        session, cache, max_size=limit, older_than=oldest, dry_run=dry_run, progress=app.progress
    )
    folders = []
    if limit is None:
        folders = prune_folders(session, cache, older_than=oldest, dry_run=dry_run)
    if json:
        rows = [
            _object(each.object) | {"removed": each.removed, "reason": each.reason}
            for each in pruned
        ]
        app.output.json(
            {"format": FORMAT, "cache": str(cache.root), "objects": rows,
             "folders": [_folder(each) for each in folders]}
        )  # fmt: skip
    else:
        size_of = _sizes(app)
        app.output.table(
            ("kept", "size", "reason"),
            [(each.object.oid, size_of(each.object), each.reason)
             for each in pruned if not each.removed],
            right=("size",),
            cut=False,
        )  # fmt: skip
    sizes = [each.object.size for each in pruned if each.removed]
    sizes += [each.size for each in folders]
    would = "would be " if dry_run else ""
    app.progress.say(f"{counted(len(sizes), 'object')} ({human_size(sum(sizes))}) {would}removed")
    if dry_run and sizes:
        app.exit(WOULD_CHANGE)


@application.command("verify")
@common
def verify_objects(
    app: Application,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove damaged objects, to be fetched again.")
    ] = False,
    user: UserOption = False,
    json: JsonOption = False,
) -> None:
    """Read every object to its end, and compare it with its name. Ends with 4 if one is damaged."""
    session = session_for_cache(app.settings, lambda: app.session)
    cache = chosen_cache(session, user=user)
    results = list(verify_cache(session, cache, remove=remove, progress=app.progress))
    damaged = [each for each, sound in results if not sound]
    if json:
        rows = [_object(each) | {"sound": sound} for each, sound in results]
        app.output.json({"format": FORMAT, "cache": str(cache.root), "objects": rows})
    else:
        for each in damaged:
            app.output.columns(each.oid, " ".join(each.names))
    app.progress.say(f"{len(results) - len(damaged):,} sound, {len(damaged):,} damaged")
    if damaged and not remove:
        raise IntegrityError(
            f"{len(damaged)} objects in {cache.root} are damaged",
            hint="`neurogister cache verify --remove` removes them; then pull again.",
        )


def _sizes(app: Application) -> Callable[[CachedObject | CachedFolder], str | int]:
    human = app.output.is_terminal
    return lambda each: human_size(each.size) if human else each.size


def _object(each: CachedObject) -> dict[str, Any]:
    return {"object": str(each.oid), "size": each.size}


def _folder(each: CachedFolder) -> dict[str, Any]:
    return {"path": str(each.path), "size": each.size, "used": each.used}


_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def parse_size(text: str) -> int:
    """Return the bytes that ``500MB``, ``1.5 GiB`` or ``1000`` stand for."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", text.strip().lower())
    if not found:
        raise UsageError(f"{text!r} is no size", hint="Write 500MB, 20GB or 1.5GiB.")
    number, unit, binary = found.groups()
    factor = 1024 ** " kmgt".index(unit or " ") if binary else _UNITS[unit]
    return int(float(number) * factor)
