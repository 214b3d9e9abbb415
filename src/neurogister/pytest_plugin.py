"""A pytest plugin: test data by name, from the lockfile of the project.

It is loaded by every pytest run where neurogister is installed, so that it imports nothing, and
does nothing, before a test asks for the fixture.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .actions.shared import SharedData, Usage

_USED: pytest.StashKey[dict[str, Any]] = pytest.StashKey()


class TestData:
    """The fixture `neurogister_data`: call it with a name.

    Parameters
    ----------
    shared : SharedData
        Brings the data.
    folders : pytest.TempPathFactory
        Makes folders for copies.
    """

    __test__ = False

    def __init__(self, shared: SharedData, folders: pytest.TempPathFactory) -> None:
        self._shared = shared
        self._folders = folders

    def __call__(self, name: str, *, writable: bool = False) -> Path:
        """Return the path of a dataset, a package, or a part of one.

        Parameters
        ----------
        name : str
            ``VENDOR/PACKAGE``, an identifier or a path, with ``@VERSION`` and ``:PART``.
        writable : bool
            Whether a copy is wanted, for a test that writes to it.

        Returns
        -------
        Path
            The file or folder. Without `writable` all tests share it, and its files are read-only.
        """
        return self.copy(name) if writable else self._get(name)

    def copy(self, name: str) -> Path:
        """Return a copy that belongs to the caller alone, in pytest's temporary folder."""
        from .actions.shared import copy_for_writing

        return copy_for_writing(self._get(name), self._folders.mktemp("neurogister"))

    def _get(self, name: str) -> Path:
        from .actions.shared import is_offline
        from .errors import NeurogisterError

        try:
            return self._shared.get(name)
        except NeurogisterError as error:
            if not is_offline(error):
                raise
            message = (
                f"{name} is not in the cache, and this run may not download anything"
                f" (--neurogister-offline, or NEUROGISTER_OFFLINE): {error.message}"
            )
        raise pytest.fail.Exception(message, pytrace=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    group = parser.getgroup("neurogister", "neurogister: test data")
    group.addoption(
        "--neurogister-offline",
        action="store_true",
        help="Fail tests whose data is not in the cache, and download nothing"
        " (the same as NEUROGISTER_OFFLINE=1).",
    )
    group.addoption(
        "--neurogister-lockfile",
        metavar="FILE",
        help="The lockfile; else neurogister.lock in the root folder or above.",
    )


@pytest.fixture(scope="session")
def neurogister_data(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> TestData:
    """Return the paths of data by name: ``neurogister_data("VENDOR/PACKAGE")``.

    What is returned lies in the user's cache, is shared by all tests and may only be read;
    ``neurogister_data.copy(NAME)`` is for tests that write.
    """
    from .actions.shared import SharedData  # here, as most runs never ask for it
    from .settings import load_settings

    config = request.config
    lockfile = config.getoption("--neurogister-lockfile")
    shared = SharedData(
        load_settings(offline=config.getoption("--neurogister-offline") or None),
        start=config.rootpath,
        lockfile=None if lockfile is None else config.invocation_params.dir / lockfile,
    )
    config.stash[_USED] = _shape(shared.usage)
    request.addfinalizer(lambda: _note(config, shared.usage))
    return TestData(shared, tmp_path_factory)


def _shape(usage: Usage) -> dict[str, Any]:
    return {"names": sorted(usage.names), "files": usage.files, "size": usage.size}


def _note(config: pytest.Config, usage: Usage) -> None:
    config.stash[_USED] = _shape(usage)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a worker of pytest-xdist tell what it used."""
    output = getattr(session.config, "workeroutput", None)
    used = session.config.stash.get(_USED, None)
    if output is not None and used is not None:
        output["neurogister"] = used


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add up what the workers of pytest-xdist used."""
    told = getattr(node, "workeroutput", {}).get("neurogister")
    if told is None:
        return
    stash = node.config.stash
    used = stash.get(_USED, {"names": [], "files": 0, "size": 0})
    stash[_USED] = {
        "names": sorted({*used["names"], *told["names"]}),
        "files": used["files"] + told["files"],
        "size": used["size"] + told["size"],
    }


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say in a line what was used, and what of it had to be fetched."""
    used = config.stash.get(_USED, None)
    if used is None:
        return
    names, files = _counted(len(used["names"]), "name"), _counted(used["files"], "object")
    terminalreporter.write_line(
        f"neurogister: {names} used, {files} ({used['size']:,} bytes) fetched"
    )


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
