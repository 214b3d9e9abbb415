"""Changing one setting in a configuration file; the rest stays as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..files import system_errors, write_whole
from ..settings import FILE_NAMES, parse_value


def change_setting(path: Path, name: str, value: str | None, *, dry_run: bool = False) -> bool:
    """Set one value in a configuration file, or remove it.

    Parameters
    ----------
    path : Path
        The user's or a project's file; made if it is missing.
    name : str
        A setting. What is none can be removed all the same.
    value : str or None
        As on the command line; None removes it.
    dry_run : bool
        Only tell.

    Returns
    -------
    bool
        Whether the file is (or would be) another.

    Raises
    ------
    UsageError
        If there is no such setting, or the value does not fit it.
    UsageError
        If the file cannot be read.
    """
    import tomlkit  # keeps comments and order
    from tomlkit.exceptions import TOMLKitError

    try:
        before = path.read_bytes().decode("utf-8") if path.is_file() else ""
        document = tomlkit.parse(before)
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint="Mend or remove it.") from error
    if value is None and name in document:
        document.remove(name)
    else:
        _check_name(name)
        if value is not None:
            parsed = parse_value(name, value, name)
            document[name] = _as_toml(parsed)
    after = tomlkit.dumps(document)
    if after != before and not dry_run:
        with system_errors(path.parent, "make the folder"):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, after.encode())
    return after != before


def _as_toml(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_as_toml(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def _check_name(name: str) -> None:
    if name == "rev":
        raise UsageError(
            "'rev' is not kept in a file: a revision belongs to one call",
            hint="Use `--rev REV`, or NEUROGISTER_REV.",
        )
    if name not in FILE_NAMES:
        import difflib  # only for the suggestion

        near = difflib.get_close_matches(name, FILE_NAMES, 1)
        raise UsageError(
            f"there is no setting '{name}'",
            hint=f"Perhaps {near[0]}?" if near else f"The settings are: {', '.join(FILE_NAMES)}.",
        )
