"""The one place that turns an error into words and an exit status."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from .. import errors
from .output import BROKEN_PIPE, printable

STATUS: dict[type[errors.NeurogisterError], int] = {
    errors.UsageError: 2,
    errors.NotFoundError: 3,
    errors.IntegrityError: 4,
    errors.InvalidFileError: 4,
    errors.NetworkError: 5,
    errors.CredentialsError: 6,
    errors.RefusedError: 7,
    errors.NoSpaceError: 8,
    errors.OfflineError: 9,
    errors.OnTapeError: 11,
}
WOULD_CHANGE = 10
INTERRUPTED = 130

_MANY_V = re.compile(r"-[qnfa0]*(v+)[qnfa0]*")

# of several failures, the one that matters most speaks for all
_BY_WEIGHT = (4, 8, 7, 6, 5, 9, 11, 3, 2, 1)
_MOST_SHOWN = 20


def exit_status(error: BaseException) -> int:
    """Return the exit status that an error ends the program with."""
    if isinstance(error, errors.SeveralErrors):
        found = {exit_status(each) for each in error.errors}
        return next((status for status in _BY_WEIGHT if status in found), 1)
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    for kind, status in STATUS.items():
        if isinstance(error, kind):
            return status
    return 1


def exit_for(error: BaseException, arguments: Sequence[str], *, verbose: int = 0) -> int:
    """Print an error to standard error, and return the exit status.

    Parameters
    ----------
    error : BaseException
        What ended the command.
    arguments : sequence of str
        What was typed: tells whether JSON or a traceback is wanted.
    verbose : int
        As the settings have it, beside what was typed.
    """
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE  # whoever read our output has enough
    if isinstance(error, KeyboardInterrupt):
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    if type(error).__name__ == "NoArgsIsHelpError":  # of click: the help is the message
        sys.stderr.write(f"{error}\n")
        return 2
    if max(verbose, _count_v(arguments)) >= 2:
        import traceback  # rarely wanted

        traceback.print_exception(error)
    ours = _as_ours(error)
    _print_json(ours) if "--json" in arguments else print_error(ours)
    return exit_status(ours)


def _as_ours(error: BaseException) -> errors.NeurogisterError:
    if isinstance(error, errors.NeurogisterError):
        return error
    if hasattr(error, "format_message"):  # of click: its class has moved between versions
        return _usage_error(error)
    return errors.NeurogisterError(
        f"unexpected {type(error).__name__}: {error}",
        hint="This is a mistake in neurogister. Please report it with the output of the same"
        " command with `-vv`.",
    )


def _usage_error(error: Any) -> errors.UsageError:
    """Return our form of what click says of a wrong command line."""
    message = error.format_message().strip().rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "neurogister"
    return errors.UsageError(
        message[:1].lower() + message[1:], hint=f"`{path} --help` tells how to use it."
    )


def _count_v(arguments: Sequence[str]) -> int:
    short = [found[1] for each in arguments if (found := _MANY_V.fullmatch(each))]
    return sum(map(len, short)) + list(arguments).count("--verbose")


def print_error(error: errors.NeurogisterError) -> None:
    """Say what went wrong and what to do next."""
    lines = [f"error: {printable(error.message)}"]
    hints = [error.hint] if error.hint else []
    if isinstance(error, errors.SeveralErrors):
        for each in error.errors[:_MOST_SHOWN]:
            lines.append(f"  - {printable(each.message)}")
            if each.hint and each.hint not in hints:
                hints.append(each.hint)
        if len(error.errors) > _MOST_SHOWN:
            lines.append(f"  - … and {len(error.errors) - _MOST_SHOWN} more")
    lines += [f"hint: {printable(hint)}" for hint in hints[:3]]
    sys.stderr.write("\n".join(lines) + "\n")


def error_shape(error: errors.NeurogisterError) -> dict[str, object]:
    """Return an error as JSON: ``{"code", "status", "message", "hint"}``."""
    shape: dict[str, object] = {
        "code": error.code,
        "status": exit_status(error),
        "message": error.message,
        "hint": error.hint,
    }
    if isinstance(error, errors.SeveralErrors):
        shape["errors"] = [error_shape(each) for each in error.errors]
    return shape


def _print_json(error: errors.NeurogisterError) -> None:
    sys.stderr.write(json.dumps({"error": error_shape(error)}) + "\n")
