"""The options that every command takes, before or after its name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from ..settings import PROGRESS_KINDS


def _complete_progress(incomplete: str) -> list[str]:
    return [kind for kind in PROGRESS_KINDS if kind.startswith(incomplete)]


RegistryOption = Annotated[
    str | None,
    typer.Option("--registry", "-C", metavar="PATH|URL", help="The registry: a folder or git URL."),
]
RevOption = Annotated[
    str | None,
    typer.Option("--rev", metavar="REV", help="Read this commit, branch or tag."),
]
OfflineOption = Annotated[
    bool | None,
    typer.Option("--offline", help="Use only what is here; never the network.", show_default=False),
]
ProgressOption = Annotated[
    str | None,
    typer.Option("--progress", metavar="|".join(PROGRESS_KINDS), help="How long work is shown.",
                 autocompletion=_complete_progress),
]  # fmt: skip
QuietOption = Annotated[
    bool | None,
    typer.Option("--quiet", "-q", help="Say nothing but warnings and errors.", show_default=False),
]
VerboseOption = Annotated[
    int,
    typer.Option("--verbose", "-v", count=True, help="Say more; -vv shows where an error arose.",
                 show_default=False),
]  # fmt: skip

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", "-n", help="Only say what would be done (exit 10 if anything).")
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", "-j", metavar="N", help="How many transfers at once.")
]
RemoteOption = Annotated[
    str | None, typer.Option("--remote", "-r", metavar="NAME", help="Ask only this DVC remote.")
]

LockfileOption = Annotated[
    Path | None,
    typer.Option("--lockfile", metavar="FILE",
                 help="The lockfile; else neurogister.lock here or in a folder above.",
                 show_default=False),
]  # fmt: skip
LayoutOption = Annotated[
    str | None,
    typer.Option("--layout", metavar="nf-neuro|zip", show_default=False,
                 help="Bring zip archives: as nf-neuro's tests keep them, or by their names."),
]  # fmt: skip
IntoOption = Annotated[
    Path | None,
    typer.Option("--into", "--output", "-o", metavar="DIR",
                 help="Deliver to this folder, each dataset under its name."),
]  # fmt: skip


CommitOption = Annotated[
    bool, typer.Option("--commit", help="Commit in git, and do not only stage.")
]
AssignOption = Annotated[
    list[str] | None,
    typer.Option("-k", metavar="KEY=VALUE", show_default=False,
                 help="Metadata: number, true, false, JSON or text; a.b for nested keys;"
                 " repeatable."),
]  # fmt: skip


def complete_collection(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a collection; nothing if that fails."""
    from ..errors import NeurogisterError
    from .application import Application

    try:
        reader = Application(_typed(context) | {"offline": True}).session.reader
        return [each.name for each in reader.collections() if each.name.startswith(incomplete)]
    except NeurogisterError:
        return []


def complete_dtype(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a dtype; nothing if that fails."""
    from ..errors import NeurogisterError
    from .application import Application

    try:
        reader = Application(_typed(context) | {"offline": True}).session.reader
        return sorted(name for name in reader.info().dtypes if name.startswith(incomplete))
    except NeurogisterError:
        return []


def complete_vendor(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a vendor; nothing if that fails."""
    from ..errors import NeurogisterError
    from .application import Application

    try:
        reader = Application(_typed(context) | {"offline": True}).session.reader
        return [each.name for each in reader.vendors() if each.name.startswith(incomplete)]
    except NeurogisterError:
        return []


def complete_package(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a package; nothing if that fails."""
    from ..errors import NeurogisterError
    from .application import Application

    try:
        reader = Application(_typed(context) | {"offline": True}).session.reader
        return [each.name for each in reader.packages() if each.name.startswith(incomplete)]
    except NeurogisterError:
        return []


def complete_name(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a name or identifier of the registry; nothing if that fails."""
    return _complete(context, incomplete, folders=False)


def complete_locked(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a name or identifier of the lockfile; nothing if that fails."""
    from ..errors import NeurogisterError
    from ..lockfile import Lockfile
    from .application import Application

    path = context.params.get("lockfile")
    try:
        lockfile = Lockfile(None if path is None else Path(path), Application({}).settings)
        found = {text for each in lockfile.locked for text in (each.short, each.id) if text}
    except NeurogisterError:
        return []
    return sorted(name for name in found if name.startswith(incomplete))


def complete_pulled(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a name of the lockfile, if that is what is pulled; else one of the registry."""
    if context.params.get("locked") or context.params.get("lockfile"):
        return complete_locked(context, incomplete)
    return complete_name(context, incomplete)


def complete_pattern(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a name or identifier, or the folder of some."""
    return _complete(context, incomplete, folders=True)


def _complete(context: typer.Context, incomplete: str, *, folders: bool) -> list[str]:
    from ..errors import NeurogisterError
    from .application import Application

    try:
        application = Application(_typed(context) | {"offline": True})
        items = application.session.reader.everything()
    except NeurogisterError:
        return []
    names = {text for item in items for text in (item.name, item.place, item.id) if text}
    if folders:
        names |= {f"{item.name.rpartition('/')[0]}/" for item in items if "/" in item.name}
    places = incomplete.startswith(("data/", "store/"))
    return sorted(
        name
        for name in names
        if name.startswith(incomplete) and (places or not name.startswith(("data/", "store/")))
    )


def _typed(context: Any) -> dict[str, Any]:
    """Return the common options on an unfinished command line; those near the end win."""
    above = {} if context.parent is None else _typed(context.parent)
    return above | {
        name: value for name, value in context.params.items() if name in _COMMON and value
    }


NamesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME...",
        help="An identifier, a path, VENDOR/PACKAGE, a glob; with @VERSION and :PART.",
        autocompletion=complete_name,
        show_default=False,
    ),
]
NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="An identifier, a path, or VENDOR/PACKAGE.",
        autocompletion=complete_name,
        show_default=False,
    ),
]
OptionalNamesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME...",
        help="An identifier, a path, VENDOR/PACKAGE, a glob; with @VERSION and :PART."
        " Without one: everything.",
        autocompletion=complete_name,
        show_default=False,
    ),
]

_KEYWORD = inspect.Parameter.KEYWORD_ONLY

_COMMON = {
    "registry": (RegistryOption, None),
    "rev": (RevOption, None),
    "offline": (OfflineOption, None),
    "progress": (ProgressOption, None),
    "quiet": (QuietOption, None),
    "verbose": (VerboseOption, 0),
}


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the common options.

    Parameters
    ----------
    function : callable
        Its first parameter is the `Application`; the others are what Typer reads.

    Returns
    -------
    callable
        That takes the context in place of the application, and the common options too.
    """
    signature = inspect.signature(function, eval_str=True)
    own = list(signature.parameters.values())[1:]
    common = [
        inspect.Parameter(name, _KEYWORD, default=default, annotation=kind)
        for name, (kind, default) in _COMMON.items()
    ]
    first = inspect.Parameter(
        "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )

    @wraps(function)
    def run(context: typer.Context, **values: Any) -> None:
        from .application import Application  # it imports us

        flags = {name: values.pop(name) for name in _COMMON}
        function(Application(_merged(context, flags)), **values)

    parameters = [first, *(each.replace(kind=_KEYWORD) for each in own), *common]
    run.__dict__["__signature__"] = signature.replace(parameters=parameters)
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    run.__dict__.pop("__wrapped__")  # Typer would read the original's hints
    return run


def _merged(context: typer.Context, flags: dict[str, Any]) -> dict[str, Any]:
    """Add what was given before the command; what is given behind it wins."""
    merged: dict[str, Any] = {}
    above = context.parent
    while above is not None:
        if isinstance(above.obj, dict):
            merged = {**above.obj}
            break
        above = above.parent
    merged |= {name: value for name, value in flags.items() if value}
    return {name: merged.get(name) or None for name in _COMMON}
