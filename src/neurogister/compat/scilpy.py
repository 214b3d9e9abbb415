"""What the test suite of scilpy fetches its data with: the same functions, on top of neurogister.

``SCILPY_HOME`` (the environment variable, and the name in this module) is the folder with all of
it, ``~/.scilpy`` if it is not set.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidFileError, NeurogisterError, NoSpaceError, NotFoundError, UsageError
from ..files import system_errors
from ..settings import load_settings, lockfile_of_environment

if TYPE_CHECKING:
    from ..actions.lockfiles import OnDisk
    from ..actions.unpacked import Unpacked

    SCILPY_HOME: str

DVC_REPOSITORY = "https://github.com/scilus/neurogister.git"
DVC_STORE = "https://scil.usherbrooke.ca/scil_test_data/dvc-store"
TEST_VENDOR = "scilpy_tests"

_REMOTE = "scil-data"
_DESCRIPTORS = "test_descriptors.yml"
_log = logging.getLogger(__name__)


class _Logged:
    """A `neurogister.progress.Progress` for those who look at the log."""

    def start(self, activity: str, *, files: int, size: int) -> None: ...

    def advance(self, *, files: int = 0, size: int = 0) -> None: ...

    def finish(self) -> None: ...

    def say(self, message: str) -> None:
        _log.info("%s", message)

    def warn(self, message: str) -> None:
        _log.warning("%s", message)


def __getattr__(name: str) -> str:
    if name == "SCILPY_HOME":  # at the time of asking: nothing is read on import
        return get_home()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get_home() -> str:
    """Return the folder with the data of scilpy: ``SCILPY_HOME``, or ``~/.scilpy``."""
    home = os.environ.get("SCILPY_HOME") or os.path.join("~", ".scilpy")
    return os.path.abspath(os.path.expanduser(home))


def get_testing_files_dict() -> dict[str, str]:
    """Return the md5 of each zip archive with test data, by its name.

    They are those of the lockfile: ``NEUROGISTER_LOCKFILE``, or the nearest ``neurogister.lock``
    in the working directory or above.

    Raises
    ------
    NotFoundError
        If there is no lockfile, or no archive in it.
    """
    from ..actions.lockfiles import read_lockfile
    from ..actions.zipnames import zip_archives

    found = read_lockfile(lockfile_of_environment())
    if archives := zip_archives(found.lockfile):
        return archives
    raise NotFoundError(
        f"{found.path} has no zip archives",
        hint="`neurogister lock add NAME` adds the packages and datasets that have them.",
    )


def fetch_data(
    files_dict: Mapping[str, str],
    keys: str | Iterable[str] | None = None,
    verbose: bool = True,
) -> None:
    """Bring zip archives here, and unpack each to ``$SCILPY_HOME/NAME``.

    If all of an archive lies in one folder, that level is left out. What is unpacked already is
    looked at, and unpacked anew if it is not whole, or of another archive. Any number of processes
    may do so at once.

    Parameters
    ----------
    files_dict : mapping of str to str
        The md5 of each archive, by its name (``bundles.zip``).
    keys : str or iterable of str, optional
        Which of them; None is all.
    verbose : bool
        Whether the log tells what is downloaded.

    Raises
    ------
    NotFoundError
        If there is no such archive.
    IntegrityError
        If an archive is not what its md5 says, or is damaged.
    InvalidFileError
        If something in an archive could do harm.
    RefusedError
        If it was withdrawn, as the lockfile says.
    NetworkError, OfflineError
        If it cannot be had.
    SeveralErrors
        If several archives failed. In any case all others are there.
    """
    from ..actions.unpacked import Unpacked

    home = Path(get_home())
    lockfile = _lockfile()
    wanted = [Unpacked(home, name, files_dict[name]) for name in _names(files_dict, keys)]
    errors: list[NeurogisterError] = []
    for each in wanted:
        try:
            _fetch(each, lockfile, verbose=verbose)
        except NoSpaceError:
            raise
        except NeurogisterError as error:
            errors.append(error)  # all others come all the same
    if errors:
        from ..errors import collect_errors  # only when something failed

        raise collect_errors(errors, len(wanted))


def _fetch(unpacked: Unpacked, lockfile: OnDisk | None, *, verbose: bool) -> None:
    if lockfile is not None:
        _refuse_withdrawn(lockfile, unpacked.md5)
    if unpacked.is_whole():
        return
    if verbose:
        _log.warning("Downloading and extracting %s to %s", unpacked.name, unpacked.folder)
    unpacked.make(partial(_bring, unpacked, lockfile), _Logged())


def _refuse_withdrawn(found: OnDisk, md5: str) -> None:
    """Refuse also what is unpacked already."""
    from ..actions.zipfetch import find_archive

    find_archive(found.lockfile, md5)


def _names(files_dict: Mapping[str, str], keys: str | Iterable[str] | None) -> list[str]:
    names = [keys] if isinstance(keys, str) else list(files_dict if keys is None else keys)
    for name in names:
        if name not in files_dict:
            raise NotFoundError(
                f"there is no archive {name!r} among: {', '.join(sorted(files_dict)) or 'none'}",
                hint="Write it as in the list; `neurogister lock add NAME` adds one.",
            )
    return names


def _bring(unpacked: Unpacked, found: OnDisk | None) -> Path:
    """Return where an archive is: as scilpy downloaded it itself before, or in our cache."""
    from ..actions.zipfetch import fetch_archive
    from ..backends.cache import digests_of

    name, md5 = unpacked.name, unpacked.md5
    before = unpacked.home / name
    found_before = before.is_file() and not before.is_symlink()
    if found_before and digests_of(before, ["md5"])[1]["md5"] == md5:
        return before
    address = os.environ.get("NEUROGISTER_SCILPY_URL") or DVC_STORE
    return fetch_archive(
        name, md5, load_settings(), lockfile=None if found is None else found.lockfile,
        public=(_REMOTE, address), progress=_Logged(),
    )  # fmt: skip


def _lockfile() -> OnDisk | None:
    from ..actions.lockfiles import find_lockfile, read_lockfile

    path = lockfile_of_environment() or find_lockfile()
    return None if path is None else read_lockfile(path)


def pull_test_case_package(package_name: str) -> str:
    """Bring the data of one test case here.

    Its revision is the one in ``.dvc/test_descriptors.yml`` (in the working directory or above);
    without it, the package must be in the lockfile.

    Parameters
    ----------
    package_name : str
        A package of the vendor ``scilpy_tests``.

    Returns
    -------
    str
        Its folder: ``$SCILPY_HOME/test_data/PACKAGE``.

    Raises
    ------
    UsageError
        If there is no such test case; it is a ValueError.
    """
    into = os.path.join(get_home(), "test_data")
    descriptors = _descriptors()
    if descriptors is not None and package_name in descriptors:
        registry = load_settings().registry or DVC_REPOSITORY
        revision = _revision(descriptors, package_name)
        return pull_package_from_dvc_repository(
            TEST_VENDOR, package_name, into, git_remote_url=registry, git_revision=revision
        )
    if (found := _lockfile()) is not None:
        return _pull_locked(found, package_name, into)
    raise _unknown(package_name, known=descriptors is not None)


def _unknown(package_name: str, *, known: bool) -> UsageError:
    why = (
        f"it is not in {_DESCRIPTORS}" if known else f"there is no {_DESCRIPTORS}, and no lockfile"
    )
    return UsageError(
        f"unknown test package {package_name!r}: {why}",
        hint=f"`neurogister lock add {TEST_VENDOR}/{package_name} -C {DVC_REPOSITORY}` notes it.",
    )


def _descriptors() -> Mapping[str, Any] | None:
    """Read the revisions that the project has pinned; None if it has no such file."""
    from ..model.document import parse_mapping

    if (folder := _dvc_folder()) is None or not (path := folder / _DESCRIPTORS).is_file():
        return None
    with system_errors(path, "read"):
        data = path.read_bytes()
    return parse_mapping(data, str(path))


def _revision(descriptors: Mapping[str, Any], package_name: str) -> str:
    entry = descriptors[package_name]
    revision = entry.get("revision") if isinstance(entry, dict) else None
    if not isinstance(revision, str):
        raise InvalidFileError(
            f"{_DESCRIPTORS} has no revision for {package_name}, or one that is not text",
            hint="Write it as `revision: 'COMMIT'`.",
        )
    return revision


def _dvc_folder() -> Path | None:
    here = Path.cwd()
    return next((each / ".dvc" for each in (here, *here.parents) if (each / ".dvc").is_dir()), None)


def _pull_locked(found: OnDisk, package_name: str, into: str) -> str:
    from ..actions.renamed import pull_locked_as

    name = f"{TEST_VENDOR}/{package_name}"
    target = Path(into, package_name)
    return str(pull_locked_as(found, name, load_settings(), target, progress=_Logged()))


def pull_package_from_dvc_repository(
    vendor: str,
    package_name: str,
    local_destination: str | os.PathLike[str],
    git_remote_url: str = DVC_REPOSITORY,
    git_revision: str = "main",
    dvc_remote_name: str = _REMOTE,
    dvc_config_root: str | os.PathLike[str] | None = None,
) -> str:
    """Bring a package of a registry here.

    Parameters
    ----------
    vendor : str
        Who curates it.
    package_name : str
        Its name.
    local_destination : path
        The folder in which its own folder is made.
    git_remote_url, git_revision, dvc_remote_name, dvc_config_root
        As for `pull_from_dvc_repository`.

    Returns
    -------
    str
        The folder of the package.
    """
    return pull_from_dvc_repository(
        f"store/{vendor}/{package_name}", local_destination, git_remote_url, git_revision,
        dvc_remote_name, dvc_config_root,
    )  # fmt: skip


def pull_from_dvc_repository(
    remote_location: str,
    local_destination: str | os.PathLike[str],
    git_remote_url: str = DVC_REPOSITORY,
    git_revision: str = "main",
    dvc_remote_name: str = _REMOTE,
    dvc_config_root: str | os.PathLike[str] | None = None,
) -> str:
    """Bring a dataset or package of a registry here, each byte checked.

    The registry is not cloned; what was read of it is kept in the cache for the next time.

    Parameters
    ----------
    remote_location : str
        Its path in the registry, as ``store/VENDOR/PACKAGE``.
    local_destination : path
        The folder in which it gets its own name; made if it is missing.
    git_remote_url : str
        The git URL of the registry, or the path of a checkout.
    git_revision : str
        A commit, branch or tag of it.
    dvc_remote_name : str
        The remote that is asked, if the project here or the registry has one of that name; else
        all remotes of the registry are.
    dvc_config_root : path, optional
        The folder with the project's DVC configuration; None is the ``.dvc`` in the working
        directory or above, if there is one.

    Returns
    -------
    str
        Where it is.

    Raises
    ------
    NotFoundError
        If the registry has no such dataset or package.
    IntegrityError, NetworkError, CredentialsError, RefusedError
        As for `neurogister.fetch`.
    """
    from ..actions.renamed import pull_as

    folder = _dvc_folder() if dvc_config_root is None else Path(dvc_config_root)
    location = remote_location.strip("/")
    target = Path(local_destination, location.rpartition("/")[2]).absolute()
    settings = load_settings(registry=git_remote_url, rev=git_revision)
    path = pull_as(
        location, settings, target, remote=dvc_remote_name, config=folder, progress=_Logged()
    )
    return str(path)
