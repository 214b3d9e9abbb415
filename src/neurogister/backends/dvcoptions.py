"""What each option of DVC's configuration is: its type, and who may set it.

The names and types are those of ``dvc.config_schema`` (DVC 3.67). The committed configuration is
written by whoever writes a pull request, so that only what does no harm is taken from it: an
option that runs a program, reads a file of this computer, moves the cache or switches off a check
must come from the user's own configuration.
"""

from __future__ import annotations

import re

from ..model.remote import OptionValue


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


BOOLEANS = _names(
    "worktree no_traverse version_aware protected slow_link_warning verify ask_password use_ssl"
    " allow_anonymous_login listobjects ask_passphrase gss_auth allow_agent kerberos use_https"
    " exclude_environment_credential exclude_visual_studio_code_credential"
    " exclude_shared_token_cache_credential exclude_managed_identity_credential cache_regions"
    " gdrive_use_service_account gdrive_trash_only gdrive_acknowledge_abuse"
)
INTEGERS = _names("jobs checksum_jobs port timeout max_sessions connection_timeout replication")
NUMBERS = frozenset({"connect_timeout", "read_timeout"})
POSITIVE = frozenset({"jobs", "checksum_jobs"})

PATHS = _names(
    "credentialpath configpath keyfile cert_path key_path gdrive_user_credentials_file"
    " gdrive_service_account_json_file_path"
)
"""Options that are relative to the folder of the file in which they stand."""

ADDRESSING = _names("url endpointurl oss_endpoint connection_string account_name port")
"""Options that say which computer is asked, and so who gets to see credentials."""

SECRETS = _names(
    "password passphrase token access_key_id secret_access_key session_token sse_customer_key"
    " account_key connection_string sas_token client_secret oss_key_secret"
    " gdrive_client_secret"
)
"""Options that belong into nobody's git history; taken all the same, with a note."""

HARMLESS = (
    BOOLEANS
    | INTEGERS
    | NUMBERS
    | SECRETS
    | _names(
        "url type shared endpointurl region profile auth method custom_auth_header user projectname"
        " account_name tenant_id client_id oss_key_id oss_endpoint kerberos_principal"
        " gdrive_client_id gdrive_service_account_user_email sse sse_kms_key_id"
        " sse_customer_algorithm acl grant_read grant_read_acp grant_write_acp"
        " grant_full_control"
    )
)
"""Options of a remote that the committed file may set (``ssl_verify`` only to true)."""

_READS_FILE = "it names a file of this computer"
_OTHER_HOST = "it sends requests, perhaps with credentials, to another computer"

HARMFUL = {
    "bearer_token_command": "it runs a program on this computer",
    **dict.fromkeys(sorted(PATHS), _READS_FILE),
    "kerb_ticket": _READS_FILE,
    "ssl_verify": "it changes how the server's certificate is checked",
    "proxy_to": _OTHER_HOST,
    "data_proxy_target": _OTHER_HOST,
}
"""Options of a remote that only the user's own configuration may set, and why."""

CORE_HARMLESS = _names(
    "remote checksum_jobs interactive analytics hardlink_lock no_scm autostage experiments"
    " check_update machine"
)
CACHE_HARMLESS = _names("type protected shared slow_link_warning verify dir")

SECTION_HARMFUL = {
    ("core", "site_cache_dir"): "it moves files that DVC writes",
    ("cache", "local"): "it moves the cache",
    ("hydra", "plugins_path"): "DVC runs the programs that it finds there",
}
"""Other keys that only the user's own configuration may set, and why."""

LINK_KINDS = ("reflink", "hardlink", "symlink", "copy")

_INTEGER = re.compile(r"\A\s*[+-]?[0-9]{1,15}\s*\Z")
_NUMBER = re.compile(r"\A\s*[0-9]{1,15}(\.[0-9]{0,15})?\s*\Z")


def parse_option(name: str, text: str) -> OptionValue:
    """Return the value of an option of a remote, as DVC reads it.

    Parameters
    ----------
    name : str
        Of the option.
    text : str
        As it stands in the file.

    Raises
    ------
    ValueError
        With the reason, as the end of a sentence that starts with the name.
    """
    if name in BOOLEANS:
        return parse_bool(text)
    if name == "ssl_verify" and text.lower() in ("true", "false"):
        return parse_bool(text)
    if name in INTEGERS:
        if not _INTEGER.match(text) or (name in POSITIVE and int(text) < 1):
            raise ValueError(f"must be a whole number, not {text!r}")
        return int(text)
    if name in NUMBERS:
        if not _NUMBER.match(text):
            raise ValueError(f"must be a number of seconds, not {text!r}")
        return float(text)
    return text


def parse_bool(text: str) -> bool:
    """Return what ``true`` or ``false`` says.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if text.lower() not in ("true", "false"):
        raise ValueError(f"must be true or false, not {text!r}")
    return text.lower() == "true"


def parse_link_kinds(value: str | list[str]) -> tuple[str, ...]:
    """Return the kinds of links in ``cache.type``.

    Raises
    ------
    ValueError
        If it names another kind.
    """
    kinds = value if isinstance(value, list) else value.split(",")
    kinds = [kind.strip() for kind in kinds if kind.strip()]
    for kind in kinds:
        if kind not in LINK_KINDS:
            raise ValueError(f"must be some of {', '.join(LINK_KINDS)}, not {kind!r}")
    return tuple(kinds)
