"""The root of the command line, and what every command is handed."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ..errors import NeurogisterError, UsageError
from ..settings import Settings, load_settings
from . import options
from .errors import INTERRUPTED, exit_for
from .group import CommandGroup
from .output import Output
from .progress import TerminalProgress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..actions.session import Session
    from ..lockfile import Lockfile
    from ..model.names import Target


class Application:
    """What a command works with.

    Parameters
    ----------
    flags : dict
        The common options, of the root and of the command; the command's win.
    """

    def __init__(self, flags: dict[str, Any]) -> None:
        self._flags = flags
        self.output = Output()

    @cached_property
    def settings(self) -> Settings:
        """What applies, flags first."""
        return load_settings(**self._flags)

    @cached_property
    def progress(self) -> TerminalProgress:
        """How work is shown, on standard error."""
        settings = self.settings
        progress = TerminalProgress(settings.progress, quiet=settings.quiet)
        if settings.verbose:
            from .log import show_log  # only for who asks for more

            show_log(progress)
        return progress

    @cached_property
    def session(self) -> Session:
        """The registry that is asked for."""
        from ..actions.session import open_session  # nothing that shows help needs it

        return open_session(self.settings, rev=self.settings.rev, progress=self.progress)

    def lockfile(self, path: Path | None) -> Lockfile:
        """Return the lockfile that is named, or applies here."""
        from ..lockfile import Lockfile

        return Lockfile(path, self.settings, progress=self.progress)

    def resolve(self, names: Sequence[str]) -> list[Target]:
        """Find what names mean; paths start at the working directory."""
        return self.session.reader.resolve(names, cwd=Path.cwd())

    def resolve_one(self, name: str) -> Target:
        """Find what a name means that must stand for one thing.

        Raises
        ------
        UsageError
            If it stands for several.
        """
        targets = self.resolve([name])
        if len(targets) > 1:
            some = ", ".join(str(each) for each in targets[:5])
            raise UsageError(
                f"{name!r} stands for {len(targets)}: {some}{', …' if len(targets) > 5 else ''}",
                hint="Name one of them.",
            )
        return targets[0]

    def option(self, **flags: Any) -> None:
        """Take options of one command that are settings too (``--jobs``, ``--remote``)."""
        self._flags |= {name: value for name, value in flags.items() if value is not None}

    def exit(self, status: int) -> NoReturn:
        """End with an exit status."""
        raise typer.Exit(status)


application = typer.Typer(
    name="neurogister",
    cls=CommandGroup,
    help="A Git/DVC-native data registry: find, pull and verify datasets by name.",
    epilog="`neurogister COMMAND --help` explains a command. Documentation:"
    " https://neurogister.github.io/neurogister",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(value: bool) -> None:
    if value:
        from .. import __version__

        typer.echo(__version__)
        raise typer.Exit


@application.callback()
def root(
    context: typer.Context,
    registry: options.RegistryOption = None,
    rev: options.RevOption = None,
    offline: options.OfflineOption = None,
    progress: options.ProgressOption = None,
    quiet: options.QuietOption = None,
    verbose: options.VerboseOption = 0,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version, and exit.", callback=_show_version,
                     is_eager=True),
    ] = False,
) -> None:  # fmt: skip
    """Keep what was given before the command, for the command."""
    del version
    context.obj = {
        "registry": registry, "rev": rev, "offline": offline, "progress": progress,
        "quiet": quiet, "verbose": verbose,
    }  # fmt: skip


def run() -> NoReturn:
    """Run the command line with the arguments of the process."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # what a terminal cannot show is escaped
            stream.reconfigure(errors="backslashreplace")
    arguments = sys.argv[1:]
    try:
        status = application(prog_name="neurogister", standalone_mode=False)
        Output().flush()
    except (typer.Abort, KeyboardInterrupt):
        status = exit_for(KeyboardInterrupt(), arguments)
    except Exception as error:  # noqa: BLE001 - the one place that turns errors into words
        status = exit_for(error, arguments, verbose=_verbosity())
    else:
        if status == INTERRUPTED:
            exit_for(KeyboardInterrupt(), arguments)
    gc.freeze()  # nothing is to be searched for garbage when all of it goes
    sys.exit(status)


def _verbosity() -> int:
    with suppress(NeurogisterError):
        return load_settings().verbose
    return 0
