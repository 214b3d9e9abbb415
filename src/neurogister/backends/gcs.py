"""Google Cloud Storage: which bucket, and who we are there."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CredentialsError, InvalidFileError
from .clouds import CloudRemote
from .httpclient import Timeouts
from .obstores import client_options
from .tls import Trust
from .uploads import Manner

if TYPE_CHECKING:
    from obstore.store import GCSStore

    from ..model.remote import RemoteConfig

_HOST = "https://storage.googleapis.com"
# The kinds of files with credentials that obstore reads, and what it calls them.
_KINDS = {"service_account": "service_account", "authorized_user": "application_credentials"}


def open_gcs(config: RemoteConfig, *, timeout: float, jobs: int) -> CloudRemote:
    """Open a remote on Google Cloud Storage.

    Parameters
    ----------
    config : RemoteConfig
        What DVC's configuration says.
    timeout : float
        Seconds to wait, unless the configuration says otherwise.
    jobs : int
        How many objects at once, unless the configuration says otherwise.

    Raises
    ------
    CredentialsError
        If the credentials are of a kind that we cannot use.
    InvalidFileError
        If the URL is none.
    """
    bucket, _, prefix = config.url.partition("://")[2].partition("/")
    if not bucket:
        raise InvalidFileError(
            f"{config.origin}: the url of the remote '{config.name}' is no gs://BUCKET/FOLDER",
            hint=f"`dvc remote modify {config.name} url gs://BUCKET/FOLDER` mends it.",
        )
    login = _find_login(config)
    endpoint = (config.text("endpointurl") or _HOST).rstrip("/")

    def make_store(manner: Manner) -> GCSStore:
        from obstore.store import GCSStore  # 60 ms

        timeouts = Timeouts.of(config, timeout).more(manner.patience)
        return GCSStore(
            bucket,
            base_url=endpoint,
            client_options=client_options(Trust(), timeouts, url=endpoint),
            retry_config=manner.retries,
            **login,
        )

    return CloudRemote(
        config,
        prefix=prefix.strip("/"),
        login=_hint(login),
        make_store=make_store,
        anonymous=login["skip_signature"],
        jobs=jobs,
    )


def _find_login(config: RemoteConfig) -> dict[str, Any]:
    """Return who we are, in obstore's options.

    Without anything it would ask the metadata service.
    """
    own = config.text("credentialpath")
    if config.flag("allow_anonymous_login"):
        return {"skip_signature": True}
    if own is None and "endpointurl" in config.committed:
        # A token is not bound to a server: a registry must not choose who gets the user's own.
        return {"skip_signature": True}
    path = own or os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if path is None and not _default_path().is_file():
        return {"skip_signature": True}
    file = Path(path).expanduser() if path else _default_path()
    return {_KINDS[_kind(file, config)]: str(file), "skip_signature": False}


def _kind(file: Path, config: RemoteConfig) -> str:
    hint = "`gcloud auth application-default login` makes one, or your administrator does."
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise CredentialsError(
            f"the remote '{config.name}' has its credentials in {file}, which cannot be read:"
            f" {type(error).__name__}",
            hint=hint,
        ) from None
    kind = content.get("type") if isinstance(content, dict) else None
    if kind not in _KINDS:
        raise CredentialsError(
            f"the remote '{config.name}' has its credentials in {file}, which is not of a kind"
            f" that neurogister can use ({' or '.join(_KINDS)})",
            hint=f"{hint} Or use `dvc pull`.",
        )
    return str(kind)


def _default_path() -> Path:
    """Return where gcloud keeps the user's credentials."""
    folder = os.environ.get("CLOUDSDK_CONFIG")
    if folder is None and sys.platform == "win32":
        folder = str(Path(os.environ.get("APPDATA", "~")) / "gcloud")
    return Path(folder or "~/.config/gcloud").expanduser() / "application_default_credentials.json"


def _hint(login: dict[str, Any]) -> str:
    where = (
        "`gcloud auth application-default login`, the variable GOOGLE_APPLICATION_CREDENTIALS,"
        " or `dvc remote modify --local NAME credentialpath FILE`"
    )
    if login.get("skip_signature"):
        return f"It was asked without credentials. They come from {where}."
    file = next(value for value in login.values() if isinstance(value, str))
    return f"It was asked with the credentials in {file}. Others come from {where}."
