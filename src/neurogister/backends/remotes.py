"""Remotes: what each kind promises (`Remote`), and how one is opened."""

from __future__ import annotations

import os

from ..errors import InvalidFileError, RefusedError
from ..model.remote import RemoteConfig
from .remotebase import ObjectStat, ObjectStream, Remote

__all__ = ["ObjectStat", "ObjectStream", "Remote", "open_remote"]


def open_remote(config: RemoteConfig, *, timeout: float = 30, jobs: int = 16) -> Remote:
    """Open a remote. Nothing is asked of it yet.

    Parameters
    ----------
    config : RemoteConfig
        What DVC's configuration says.
    timeout : float
        Seconds to wait for a connection, and for the next byte, where the configuration does
        not say it.
    jobs : int
        How many objects to ask for at once, where the configuration does not say it.

    Returns
    -------
    Remote
        To be used from any thread.

    Raises
    ------
    RefusedError
        If it must not be used, or only DVC can.
    InvalidFileError
        If its options make no sense.
    CredentialsError
        If credentials are named that there are not.
    MissingExtraError
        If a part of neurogister is missing that can read it.
    """
    if config.problem is not None:
        raise config.problem
    for option in ("version_aware", "worktree"):
        if config.flag(option):
            raise RefusedError(
                f"the remote '{config.name}' ({config.address}) keeps plain files"
                f" ({option} = true), which neurogister does not read",
                hint=f"`dvc pull -r {config.name}` can.",
            )
    return _open(config, timeout, jobs)


def _open(config: RemoteConfig, timeout: float, jobs: int) -> Remote:
    scheme = config.scheme
    if scheme == "":
        return _open_folder(config, jobs)
    if scheme == "s3":
        from .objects import S3Remote

        return S3Remote(config, timeout=timeout, jobs=jobs)
    if scheme in ("http", "https", "webdav", "webdavs") and not _asks_a_program(config):
        from .web import WebRemote

        return WebRemote(config, timeout=timeout, jobs=jobs)
    if scheme in ("gs", "gcs"):
        from .gcs import open_gcs

        return open_gcs(config, timeout=timeout, jobs=jobs)
    if scheme in ("azure", "abfs", "abfss"):
        from .azure import open_azure

        return open_azure(config, timeout=timeout, jobs=jobs)
    from .dvcremote import SCHEMES, DVCRemote

    if scheme in SCHEMES:
        return DVCRemote(config, timeout=timeout, jobs=jobs)
    raise InvalidFileError(
        f"{config.origin}: the remote '{config.name}' is of a kind that DVC does not know"
        f" ({config.address})",
        hint=f"`dvc remote modify {config.name} url URL` mends it.",
    )


def _asks_a_program(config: RemoteConfig) -> bool:
    return config.text("bearer_token_command") is not None  # DVC knows when to run it


def _open_folder(config: RemoteConfig, jobs: int) -> Remote:
    from .folder import FolderRemote

    if not os.path.isabs(config.url):
        raise RefusedError(
            f"the remote '{config.name}' is the folder {config.address} in the registry,"
            " of which there is no checkout here",
            hint="Clone the registry, and work there.",
        )
    return FolderRemote(config, jobs=jobs)
