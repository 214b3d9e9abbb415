"""Azure Blob Storage: which container, and who we are there."""

from __future__ import annotations

import configparser
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import CredentialsError, InvalidFileError
from .clouds import CloudRemote
from .credentials import NOWHERE
from .httpclient import Timeouts
from .obstores import client_options
from .tls import Trust
from .uploads import Manner

if TYPE_CHECKING:
    from obstore.store import AzureStore

    from ..model.remote import RemoteConfig

# The account and key of every emulator, as Microsoft documents them.
_EMULATED = (
    "AccountName=devstoreaccount1;BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;AccountKey="
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


@dataclass(frozen=True)
class _Account:
    """An account, and what we know to get in."""

    name: str
    endpoint: str
    key: str | None = field(default=None, repr=False)
    sas: str | None = field(default=None, repr=False)


def open_azure(config: RemoteConfig, *, timeout: float, jobs: int) -> CloudRemote:
    """Open a remote on Azure.

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
        If there is no account.
    InvalidFileError
        If the URL or the connection string is none.
    """
    container, host, prefix = _split(config)
    account = _find_account(config, host)
    source, login = _find_login(config, account)

    def make_store(manner: Manner) -> AzureStore:
        from obstore.store import AzureStore  # 60 ms

        timeouts = Timeouts.of(config, timeout).more(manner.patience)
        return AzureStore(
            container,
            account_name=account.name,
            endpoint=account.endpoint,
            msi_endpoint=NOWHERE,
            client_options=client_options(Trust(), timeouts, url=account.endpoint),
            retry_config=manner.retries,
            **login,
        )

    return CloudRemote(
        config,
        prefix=prefix,
        login=_hint(source),
        make_store=make_store,
        anonymous="skip_signature" in login,
        jobs=jobs,
    )


def _split(config: RemoteConfig) -> tuple[str, str, str]:
    """Return container, host (or nothing) and folder of ``azure://CONTAINER[@HOST]/FOLDER``."""
    place, _, prefix = config.url.partition("://")[2].partition("/")
    container, _, host = place.partition("@")
    if not container:
        raise InvalidFileError(
            f"{config.origin}: the url of the remote '{config.name}' is no"
            " azure://CONTAINER/FOLDER",
            hint=f"`dvc remote modify {config.name} url azure://CONTAINER/FOLDER` mends it.",
        )
    return container, host, prefix.strip("/")


def _find_account(config: RemoteConfig, host: str) -> _Account:
    settings = _read_cli_settings()

    def find(option: str, variable: str, setting: str) -> str | None:
        found = config.text(option) or os.environ.get(variable) or settings.get(setting)
        return found or None

    text = find("connection_string", "AZURE_STORAGE_CONNECTION_STRING", "connection_string")
    name = find("account_name", "AZURE_STORAGE_ACCOUNT", "account") or host.partition(".")[0]
    key = find("account_key", "AZURE_STORAGE_KEY", "key")
    sas = find("sas_token", "AZURE_STORAGE_SAS_TOKEN", "sas_token")
    if text and not config.text("account_name"):
        return _parse_connection(text, config)
    if not name:
        raise CredentialsError(
            f"the remote '{config.name}' ({config.address}) names no account",
            hint=f"`dvc remote modify {config.name} account_name NAME` does, or"
            " AZURE_STORAGE_ACCOUNT.",
        )
    return _Account(name, f"https://{name}.blob.core.windows.net", key, sas)


def _parse_connection(text: str, config: RemoteConfig) -> _Account:
    if "usedevelopmentstorage=true" in text.lower().replace(" ", ""):
        text = _EMULATED
    pairs = (part.partition("=") for part in text.split(";") if "=" in part)
    values = {name.strip().lower(): value.strip() for name, _, value in pairs}
    name, endpoint = values.get("accountname", ""), values.get("blobendpoint", "")
    if not endpoint and name:
        scheme = values.get("defaultendpointsprotocol", "https")
        endpoint = f"{scheme}://{name}.blob.{values.get('endpointsuffix', 'core.windows.net')}"
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidFileError(
            f"the connection string of the remote '{config.name}' names no account",
            hint="`az storage account show-connection-string` shows a right one.",
        )
    return _Account(
        name or parts.hostname.partition(".")[0],
        endpoint.rstrip("/"),
        values.get("accountkey"),
        values.get("sharedaccesssignature"),
    )


def _find_login(config: RemoteConfig, account: _Account) -> tuple[str, dict[str, Any]]:
    """Return who we are: in words, and in obstore's options.

    Without anything obstore would ask the metadata service.
    """
    if config.flag("allow_anonymous_login"):
        return "", {"skip_signature": True}
    if account.key:
        credential = {"access_key": account.key, "expires_at": None}
        return "an account key", {"credential_provider": lambda: credential}
    if account.sas:
        token = {"sas_token": account.sas.removeprefix("?"), "expires_at": None}
        return "a shared access signature", {"credential_provider": lambda: token}
    if {"connection_string", "account_name"} & config.committed and not _is_azure(account):
        # A token is not bound to a server: a registry must not choose who gets the user's own.
        return "", {"skip_signature": True}
    return _find_identity(config)


def _find_identity(config: RemoteConfig) -> tuple[str, dict[str, Any]]:
    environment = os.environ
    names = ("tenant_id", "client_id", "client_secret")
    values = {
        name: config.text(name) or environment.get(f"AZURE_{name.upper()}") or None
        for name in names
    }
    if all(values.values()):
        return "a client secret", values
    token_file = environment.get("AZURE_FEDERATED_TOKEN_FILE")
    if token_file and values["tenant_id"] and values["client_id"]:
        del values["client_secret"]
        return "a workload identity", {**values, "federated_token_file": token_file}
    if shutil.which("az") and (_cli_folder() / "azureProfile.json").is_file():
        return "`az login`", {"use_azure_cli": True}
    return "", {"skip_signature": True}


def _is_azure(account: _Account) -> bool:
    host = urlsplit(account.endpoint).hostname or ""
    return account.endpoint.startswith("https:") and host.endswith(
        (".core.windows.net", ".core.chinacloudapi.cn", ".core.usgovcloudapi.net")
    )


def _cli_folder() -> Path:
    return Path(os.environ.get("AZURE_CONFIG_DIR") or "~/.azure").expanduser()


def _read_cli_settings() -> dict[str, str]:
    """Read what the user told Azure's command line about storage; DVC looks there too."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(_cli_folder() / "config", encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return {}
    return dict(parser["storage"]) if parser.has_section("storage") else {}


def _hint(source: str) -> str:
    where = (
        "AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, `az login`,"
        " or `dvc remote modify --local NAME sas_token TOKEN` (account_key, connection_string)"
    )
    if source:
        return f"It was asked with {source}. Others come from {where}."
    return f"It was asked without credentials. They come from {where}."
