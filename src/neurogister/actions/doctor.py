"""Whether everything that is needed works on this machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata

from ..errors import NeurogisterError
from ..files import free_space
from ..settings import Settings
from .describe import address_of
from .session import Session

OK = "ok"
WARNING = "warning"
PROBLEM = "problem"
SKIPPED = "skipped"

_MOST = 20


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found.

    Parameters
    ----------
    check : str
        What was checked.
    status : {'ok', 'warning', 'problem', 'skipped'}
    detail : str
        What was found.
    hint : str, optional
        What to do about it.
    """

    check: str
    status: str
    detail: str
    hint: str | None = None


def examine(settings: Settings, open_session: Callable[[], Session]) -> Iterator[CheckResult]:
    """Check the machine, then the registry if there is one.

    Parameters
    ----------
    settings : Settings
        What applies.
    open_session : callable
        Opens the registry; may raise.

    Yields
    ------
    CheckResult
        One for each check; a check that fails does not stop the others.
    """
    yield _python()
    yield _git()
    yield _dvc()
    yield _user_cache(settings)
    yield from _layers(settings)
    try:
        session = open_session()
    except NeurogisterError as error:
        status = WARNING if settings.registry is None else PROBLEM
        yield CheckResult("registry", status, error.message, error.hint)
        return
    yield CheckResult(
        "registry", OK, f"{session.reader.url} at {session.reader.commit or 'no commit'}"
    )
    for check in (_contents, _configuration, _cache, _links, _remotes):
        try:
            yield from check(session)
        except NeurogisterError as error:
            yield CheckResult(check.__name__.strip("_"), PROBLEM, error.message, error.hint)


def _python() -> CheckResult:
    text = f"neurogister {metadata.version('neurogister')}, Python {platform.python_version()}"
    return CheckResult("python", OK, f"{text}, {sys.platform}")


def _git() -> CheckResult:
    program = shutil.which("git")
    if program is None:
        return CheckResult("git", PROBLEM, "git is not on PATH", "Install git: https://git-scm.com")
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return CheckResult("git", OK, f"{shown.stdout.strip()} ({program})")


def _dvc() -> CheckResult:
    try:
        return CheckResult("dvc", OK, f"dvc {metadata.version('dvc')}")
    except metadata.PackageNotFoundError:
        return CheckResult(
            "dvc", SKIPPED, "not installed; only remotes such as ssh or WebDAV need it",
            "pip install 'neurogister[dvc]'",
        )  # fmt: skip


def _user_cache(settings: Settings) -> CheckResult:
    from ..backends.cache import Cache  # with the others, when doctor really runs

    if not Cache(settings.cache / "objects").is_writable():
        return CheckResult(
            "user cache", PROBLEM, f"{settings.cache} cannot be written",
            "Set another with NEUROGISTER_CACHE, or mend its permissions.",
        )  # fmt: skip
    free = free_space(settings.cache)
    status = OK if free > 1 << 30 else WARNING
    return CheckResult("user cache", status, f"{settings.cache}, {_gigabytes(free)} free")


def _layers(settings: Settings) -> Iterator[CheckResult]:
    for folder in settings.cache_layers:
        if os.access(folder, os.R_OK | os.X_OK) and folder.is_dir():
            yield CheckResult("cache layer", OK, f"{folder} can be read")
        else:
            yield CheckResult(
                "cache layer", WARNING, f"{folder} cannot be read",
                "Mount it, or take it out: `neurogister config cache_layers`.",
            )  # fmt: skip


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"


def _contents(session: Session) -> Iterator[CheckResult]:
    items = session.reader.everything()
    broken = [item for item in items if item.error is not None]
    yield CheckResult("contents", OK, f"{len(items) - len(broken):,} datasets and packages")
    for item in broken[:_MOST]:
        yield CheckResult("contents", PROBLEM, item.error or "", f"Mend {item.path}.")
    if len(broken) > _MOST:
        yield CheckResult("contents", PROBLEM, f"{len(broken) - _MOST:,} more are broken")
    session.reader.info()  # raises what is wrong with registry.yaml


def _configuration(session: Session) -> Iterator[CheckResult]:
    config = session.config
    yield CheckResult("dvc configuration", OK, f"default remote: {config.default_remote or 'none'}")
    for note in config.notes:
        yield CheckResult("dvc configuration", WARNING, note)


def _cache(session: Session) -> Iterator[CheckResult]:
    cache = session.holdings.caches[0]
    if cache.is_writable():
        yield CheckResult("cache", OK, f"{cache.root}, {_gigabytes(free_space(cache.root))} free")
    else:
        yield CheckResult(
            "cache", WARNING, f"{cache.root} can be read, not written",
            "What is not in it goes to the user's own cache.",
        )  # fmt: skip


def _links(session: Session) -> Iterator[CheckResult]:
    root = session.reader.worktree
    if root is None or not session.holdings.caches[0].is_writable():
        return
    session.holdings.target()
    linker = session.linker(root)
    yield CheckResult(
        "links", OK, f"files are put in place by {linker.kinds[0]}"
        f" (wanted: {', '.join(session.config.cache_types)})",
    )  # fmt: skip


def _remotes(session: Session) -> Iterator[CheckResult]:
    if not session.config.remotes:
        yield CheckResult("remotes", WARNING, "none is configured", "`dvc remote add -d NAME URL`")
    for config in session.config.remotes.values():
        check, address = f"remote {config.name}", address_of(session, config)
        if session.settings.offline:
            yield CheckResult(check, SKIPPED, f"{address} (offline)")
            continue
        try:
            session.open_remote(config).size("files/md5/00/" + "0" * 30)
        except LookupError:
            yield CheckResult(check, OK, f"{address} answers")
        except NeurogisterError as error:
            yield CheckResult(check, PROBLEM, error.message, error.hint)
        else:
            yield CheckResult(check, OK, f"{address} answers")
