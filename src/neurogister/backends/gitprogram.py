"""Running the ``git`` program: no prompt, no surprise, its complaints as our errors.

git is run as a program, as importing a library for it costs more time than most of our commands.
Text of users goes in as whole arguments that cannot be options; what a repository's own files ask
for (other protocols, hooks, replaced objects) does not happen.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import (
    CredentialsError,
    NetworkError,
    NeurogisterError,
    NoSpaceError,
    NotFoundError,
    RefusedError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PROTOCOLS = ("file", "git", "http", "https", "ssh")

# What would bind git to another repository, or change what it prints; the rest of the environment
# (ssh, proxies, certificates, the user's configuration) is passed on.
_DROPPED = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DEFAULT_HASH",
        "GIT_DIFF_OPTS",
        "GIT_DIR",
        "GIT_EXTERNAL_DIFF",
        "GIT_GLOB_PATHSPECS",
        "GIT_GRAFT_FILE",
        "GIT_ICASE_PATHSPECS",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_LITERAL_PATHSPECS",
        "GIT_NAMESPACE",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_NO_LAZY_FETCH",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
        "LANGUAGE",
    }
)

_OPTIONS = (
    "--no-pager",
    "--no-optional-locks",
    "-c", "core.quotePath=false",
    "-c", "core.fsmonitor=",
    "-c", "log.showSignature=false",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
    # a server that sends nothing for a minute is gone
    "-c", "http.lowSpeedLimit=1",
    "-c", "http.lowSpeedTime=60",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Git:
    """The git program, bound to one repository.

    Parameters
    ----------
    folder : Path
        The top of a work tree, or a bare repository.
    bare : bool
        Whether `folder` is a bare repository of our own, to be used as it is.
    """

    folder: Path
    bare: bool = False

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        network: bool = False,
        config: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run a command of git to its end.

        Parameters
        ----------
        *arguments : str
            The command and what it takes.
        stdin : bytes
            What it reads.
        network : bool
            Whether it may use the network.
        config : sequence of str
            Settings for this call, as ``name=value``.
        environment : mapping, optional
            Variables for this call.

        Returns
        -------
        bytes
            What it printed.

        Raises
        ------
        NeurogisterError
            Of the kind that fits its complaint.
        """
        code, output, complaint = self.attempt(
            *arguments, stdin=stdin, network=network, config=config, environment=environment
        )
        if code != 0:
            raise self.error(complaint, arguments[0])
        return output

    def attempt(
        self,
        *arguments: str,
        stdin: bytes = b"",
        network: bool = False,
        config: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes, str]:
        """Run a command of git, and return its exit status, output and complaints."""
        process = self.start(*arguments, network=network, config=config, environment=environment)
        try:
            output, complaint = process.communicate(stdin)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return process.returncode, output, complaint.decode("utf-8", "replace")

    def start(
        self,
        *arguments: str,
        network: bool = False,
        config: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a command of git (see `run`)."""
        where = f"--git-dir={self.folder}" if self.bare else "-C"
        place = [where] if self.bare else [where, os.fspath(self.folder)]
        settings = [word for each in config for word in ("-c", each)]
        try:
            return subprocess.Popen(
                ["git", *_OPTIONS, *settings, *place, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(network=network) | dict(environment or {}),
            )
        except FileNotFoundError as error:
            raise NeurogisterError(
                "the program git is not installed, or not on the PATH",
                hint="Install it (https://git-scm.com/downloads); 2.30 or later will do.",
            ) from error

    def error(self, complaint: str, command: str) -> NeurogisterError:
        """Return the error that fits what git complained about."""
        return error_of(complaint, place=os.fspath(self.folder), command=command)


def _environment(*, network: bool) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    allowed: tuple[str, ...] = PROTOCOLS if network else ()
    if network and (narrowed := environment.get("GIT_ALLOW_PROTOCOL")) is not None:
        allowed = tuple(each for each in PROTOCOLS if each in narrowed.split(":"))
    environment |= {
        # of nothing, git makes everything
        "GIT_ALLOW_PROTOCOL": ":".join(allowed) or "none",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C",
    }
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        environment["GIT_TERMINAL_PROMPT"] = "0"
    return environment


def check_argument(text: str, what: str) -> str:
    """Return text that goes to git as an argument, if it can be nothing else.

    Parameters
    ----------
    text : str
        A revision, URL or path, as given by a user.
    what : str
        What it is, for the message.

    Raises
    ------
    UsageError
        If it could be taken for an option, or cannot be an argument.
    """
    if not text or text.startswith("-") or not text.isprintable():
        raise UsageError(f"{text[:200]!a} is not a {what}")
    return text


_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")


def redacted(text: str) -> str:
    """Return text without the user names and passwords of its URLs."""
    return _LOGIN.sub("", text)


_KINDS: tuple[tuple[re.Pattern[str], type[NeurogisterError], str], ...] = tuple(
    (re.compile(pattern), kind, hint)
    for kind, pattern, hint in (
        (
            RefusedError,
            r"dubious ownership|unsafe repository",
            "It belongs to somebody else. If you trust it:"
            " `git config --global --add safe.directory '{place}'`.",
        ),
        (NoSpaceError, r"No space left on device|Disk quota exceeded", "Free some space."),
        (
            RefusedError,
            r"transport '.*' not allowed|protocol '.*' is not supported",
            f"Use one of: {', '.join(PROTOCOLS)}.",
        ),
        (
            CredentialsError,
            r"Authentication failed|could not read (?:Username|Password)|prompts disabled"
            r"|Permission denied \(|returned error: 40[13]|Access denied|Invalid username or"
            r"|Authorization Failed",
            "Check that you may read it: `git ls-remote URL` must work (an ssh key, a credential"
            " helper, or a token).",
        ),
        (
            NotFoundError,
            r"[Rr]epository .*not found|returned error: 404|does not appear to be a git repository"
            r"|repository '.*' does not exist|not valid: is this a git repository",
            "Check the address.",
        ),
        (
            NetworkError,
            r"SSL certificate|certificate verif|Host key verification failed",
            "The server could not prove who it is: check the address, or ask who runs it.",
        ),
        (
            NetworkError,
            r"[Cc]ould not resolve|Failed to connect|Connection (?:refused|reset|timed out|closed)"
            r"|timed out|unable to access|early EOF|RPC failed|hung up unexpectedly|too slow"
            r"|[Cc]ould not read from remote repository|unexpected disconnect|No route to host"
            r"|Couldn't connect|Network is unreachable|transfer closed|Empty reply",
            "Check the network, and try again.",
        ),
        (
            NotFoundError,
            r"not a git repository",
            "Give a folder inside one: `-C PATH`.",
        ),
        (UsageError, r"is ambiguous(?!.*unknown revision)", "Write more of it."),
        (
            NotFoundError,
            r"[Uu]nknown revision|[Bb]ad revision|Needed a single revision"
            r"|not a valid object name|[Nn]ot a valid commit|bad object|Not a tree object"
            r"|log for '.*' only",
            "`git log --all --oneline` lists the commits.",
        ),
    )
)
_NEVER_AGAIN = re.compile(r"SSL certificate|certificate verif|Host key verification failed")


def error_of(complaint: str, *, place: str, command: str) -> NeurogisterError:
    """Return the error that fits what git complained about.

    Parameters
    ----------
    complaint : str
        What it wrote on standard error.
    place : str
        The repository, as a path or URL.
    command : str
        Which command it was.
    """
    complaint, place = redacted(complaint), redacted(place)
    for pattern, kind, hint in _KINDS:
        found = pattern.search(complaint)
        if found is None:
            continue
        message = f"{place}: {_line_of(complaint, found.start())}"
        hint = hint.replace("{place}", place)
        if kind is NetworkError:
            return NetworkError(
                message, hint=hint, temporary=_NEVER_AGAIN.search(complaint) is None
            )
        return kind(message, hint=hint)
    lines = [line for line in complaint.strip().splitlines() if line.strip()]
    reason = _cleaned(lines[-1]) if lines else "it ended without a word"
    return NeurogisterError(f"{place}: git {command} failed: {reason}")


def _line_of(text: str, position: int) -> str:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    return _cleaned(text[start : end if end >= 0 else len(text)])


def _cleaned(line: str) -> str:
    line = re.sub(r"^(?:fatal|error|remote|ERROR): (?:ERROR: |fatal: )?", "", line.strip())
    return "".join(each if each.isprintable() else "?" for each in line)[:500]
