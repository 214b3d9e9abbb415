"""Flags, environment and configuration files, read once into one frozen object.

Precedence: flag, environment (``NEUROGISTER_NAME``), project file (``neurogister.toml`` in the
working directory or a parent of it), user file (``config.toml`` in the user's configuration
folder), default. This module alone reads the environment for neurogister's own options.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .errors import RefusedError, UsageError

PREFIX = "NEUROGISTER_"
PROJECT_FILE = "neurogister.toml"
PROGRESS_KINDS = ("auto", "bar", "lines", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What applies to one call.

    Parameters
    ----------
    registry : str, optional
        A path or git URL; none means the one around the working directory.
    rev : str, optional
        The revision to read; a flag or the environment only.
    cache : Path
        The user's own cache: objects of remote registries, the index, mirrors.
    cache_layers : tuple of Path
        Caches of others that are looked into, and never changed: a lab's, on a file server.
    remote : str, optional
        The DVC remote to ask first (and only).
    jobs : int, optional
        How many transfers at once; none lets each kind of remote choose.
    offline : bool
        Whether the network may not be used.
    timeout : float
        Seconds without a byte after which a connection counts as dead.
    retries : int
        How often a failed transfer is tried again.
    progress : {'auto', 'bar', 'lines', 'none'}
        How long work is shown.
    quiet : bool
        Whether only warnings and errors are said.
    verbose : int
        How much more is said.
    origins : mapping
        Where each value comes from: ``flag``, ``environment``, a file, or ``default``.
    """

    registry: str | None = None
    rev: str | None = None
    cache: Path = field(default_factory=lambda: default_cache())
    cache_layers: tuple[Path, ...] = ()
    remote: str | None = None
    jobs: int | None = None
    offline: bool = False
    timeout: float = 30.0
    retries: int = 6
    progress: str = "auto"
    quiet: bool = False
    verbose: int = 0
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)


NAMES = tuple(each.name for each in fields(Settings) if each.name != "origins")

# a project may be a stranger's: it does not say which folders of this machine are used
OWN_NAMES = ("cache", "cache_layers")

# a revision belongs to one registry and one call
FILE_NAMES = tuple(name for name in NAMES if name != "rev")


def default_cache() -> Path:
    """Return the folder that the system has for caches of this user."""
    import platformdirs  # here: most of its cost is finding out about the system

    return Path(platformdirs.user_cache_dir("neurogister", appauthor=False))


def user_file() -> Path:
    """Return the user's configuration file."""
    if folder := os.environ.get("NEUROGISTER_CONFIG_DIR"):
        return Path(folder) / "config.toml"
    import platformdirs  # see above

    return Path(platformdirs.user_config_dir("neurogister", appauthor=False)) / "config.toml"


def lockfile_of_environment() -> Path | None:
    """Return the lockfile that ``NEUROGISTER_LOCKFILE`` names, for drop-ins without an option."""
    path = os.environ.get(f"{PREFIX}LOCKFILE")
    return Path(path).expanduser() if path else None


def find_project_file(start: Path | None = None) -> Path | None:
    """Return the project file that applies in a folder, or None."""
    start = start or Path.cwd()
    for folder in (start, *start.parents):
        if (path := folder / PROJECT_FILE).is_file():
            return path
    return None


def nf_neuro_folder() -> Path:
    """Return the folder in which nf-neuro keeps the zip archives of its tests, by their md5.

    The variables, their order and the name of the folder are those of its subworkflow
    ``load_test_data``; a variable that is empty counts as not set, as there.
    """
    named = os.environ.get("NFNEURO_TEST_DATA_HOME") or os.environ.get("XDG_DATA_HOME")
    home = Path(named) if named else Path.home() / ".local" / "share"
    return home.absolute() / "nf-neuro-test-archives"


def load_settings(**flags: Any) -> Settings:
    """Read everything that applies, and merge it by precedence.

    Parameters
    ----------
    **flags
        Values given by the caller; those that are None count as not given.

    Raises
    ------
    UsageError
        If a value cannot be understood; the message names where it stands.
    RefusedError
        If a project decides where files are written.
    """
    found: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, layer in _layers(flags):
        found |= layer
        origins |= dict.fromkeys(layer, origin)
    values = {
        name: parse_value(name, value, _where(name, origins[name])) for name, value in found.items()
    }
    if origins.get("registry") == str(user_file()) and _is_in_registry(Path.cwd()):
        del values["registry"], origins["registry"]  # the one around us comes before a default
    return Settings(**values, origins=origins)


def _layers(flags: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    layers: list[tuple[str, Mapping[str, Any]]] = []
    if (path := user_file()).is_file():
        layers.append((str(path), read_file(path)))
    if (project := find_project_file()) is not None:
        layers.append((str(project), _of_project(project)))
    environment = {
        name: value
        for name in NAMES
        if (value := os.environ.get(PREFIX + name.upper())) not in (None, "")
    }
    layers.append(("environment", environment))
    layers.append(("flag", {name: value for name, value in flags.items() if value is not None}))
    return layers


def _where(name: str, origin: str) -> str:
    if origin == "environment":
        return PREFIX + name.upper()
    return name if origin == "flag" else f"{name} in {origin}"


def _is_in_registry(folder: Path) -> bool:
    return any(
        (each / ".dvc").is_dir() or (each / "registry.yaml").is_file()
        for each in (folder, *folder.parents)
    )


def _of_project(path: Path) -> dict[str, Any]:
    """A project may be a stranger's: it tells what to read, not where to write."""
    content = read_file(path)
    for name in content.keys() & set(OWN_NAMES):
        raise RefusedError(
            f"{path} sets '{name}': a project may not decide which folders are used",
            hint=f"Take it out; your own file can have it: `neurogister config {name} PATH`.",
        )
    registry = content.get("registry")
    if isinstance(registry, str) and "://" not in registry and (path.parent / registry).is_dir():
        content["registry"] = str(path.parent / registry)  # as the file sees it
    return content


def read_file(path: Path) -> dict[str, Any]:
    """Read a configuration file.

    Raises
    ------
    UsageError
        If it is not TOML, or has a name that is no setting.
    """
    import tomllib  # only where there is a file

    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint="Mend or remove it.") from error
    for name in content:
        if name not in FILE_NAMES:
            raise UsageError(
                f"{path} has the unknown setting '{name}'",
                hint=f"The settings are: {', '.join(FILE_NAMES)}.",
            )
    return content


def parse_value(name: str, value: Any, where: str) -> Any:
    """Return a value in its type.

    Parameters
    ----------
    name : str
        A setting.
    value : object
        As text, or as TOML has it.
    where : str
        Where it stands, for the message.

    Raises
    ------
    UsageError
        If it does not fit.
    """
    return _PARSERS[name](value, where)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{what} must be text, not {value!r}")
    return value


def _path(value: Any, what: str) -> Path:
    return Path(_text(os.fspath(value), what)).expanduser().absolute()


def _paths(value: Any, what: str) -> tuple[Path, ...]:
    """Take several folders: a list, or text as ``PATH`` has it."""
    parts = value.split(os.pathsep) if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise UsageError(f"{what} must be folders, not {value!r}")
    return tuple(_path(part, what) for part in parts if part != "")


def _flag(value: Any, what: str) -> bool:
    if isinstance(value, bool):
        return value
    known = {"1": True, "true": True, "yes": True, "on": True}
    known |= {"0": False, "false": False, "no": False, "off": False}
    try:
        return known[str(value).lower()]
    except KeyError:
        raise UsageError(f"{what} must be true or false, not {value!r}") from None


def _number(least: int, most: int) -> Callable[[Any, str], int]:
    def parse(value: Any, what: str) -> int:
        try:
            number = int(value) if isinstance(value, int | str) else None
        except ValueError:
            number = None
        if number is None or isinstance(value, bool) or not least <= number <= most:
            raise UsageError(f"{what} must be a whole number from {least} to {most}, not {value!r}")
        return number

    return parse


def _seconds(value: Any, what: str) -> float:
    try:
        seconds = 0.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds < 86400:
        raise UsageError(f"{what} must be a number of seconds above 0, not {value!r}")
    return seconds


def _progress(value: Any, what: str) -> str:
    if value not in PROGRESS_KINDS:
        raise UsageError(f"{what} must be one of {', '.join(PROGRESS_KINDS)}, not {value!r}")
    return str(value)


_PARSERS: dict[str, Callable[[Any, str], Any]] = {
    "registry": _text,
    "rev": _text,
    "cache": _path,
    "cache_layers": _paths,
    "remote": _text,
    "jobs": _number(1, 1000),
    "offline": _flag,
    "timeout": _seconds,
    "retries": _number(0, 100),
    "progress": _progress,
    "quiet": _flag,
    "verbose": _number(0, 9),
}
