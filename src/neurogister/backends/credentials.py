"""Who we are to an S3 server: the order in which keys are looked for.

That of DVC and the AWS tools, but for one thing: the metadata service of a cloud's computers is
asked only if the user's profile says so. Elsewhere its address is nobody's, or somebody else's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..errors import CredentialsError, MissingExtraError
from .awsprofile import Profile

if TYPE_CHECKING:
    from obstore.store import S3Credential

    from ..model.remote import RemoteConfig

NOWHERE = "http://127.0.0.1:9"
"""Where obstore looks for the metadata service of a cloud: at a port on which nothing listens."""


@dataclass(frozen=True)
class Login:
    """How requests are signed.

    Parameters
    ----------
    source : str
        Where the keys come from, as the end of "with the keys from …"; empty if there are none.
    get : callable, optional
        Returns the keys, which may expire.
    ambient : bool
        Whether obstore itself finds them in the environment (web identity, container).
    """

    source: str
    get: Callable[[], S3Credential] | None = field(default=None, repr=False)
    ambient: bool = False

    @property
    def anonymous(self) -> bool:
        """Whether requests are not signed at all."""
        return self.get is None and not self.ambient


ANONYMOUS = Login("")


def find_login(config: RemoteConfig, profile: Profile) -> Login:
    """Find the keys for a remote.

    Parameters
    ----------
    config : RemoteConfig
        Of the remote.
    profile : Profile
        The user's profile for it.

    Raises
    ------
    CredentialsError
        If what there is is not complete, or cannot be had.
    MissingExtraError
        If only botocore could get them.
    """
    if config.flag("allow_anonymous_login"):
        return ANONYMOUS
    return (
        _from_options(config)
        or (None if profile.explicit else _from_environment(config))
        or _from_profile(config, profile)
        or _from_services()
        or ANONYMOUS
    )


def login_hint(config: RemoteConfig, login: Login) -> str:
    """Say what to do if a remote does not take our credentials."""
    if config.flag("allow_anonymous_login"):
        return "It was asked without credentials (allow_anonymous_login): it may not be public."
    where = (
        f"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, an AWS profile (`aws configure`), or"
        f" `dvc remote modify --local {config.name} access_key_id KEY` and `secret_access_key`"
    )
    if login.source:
        return f"It was asked with the keys from {login.source}. Others may come from {where}."
    return f"No credentials were found. They come from {where}."


def _from_options(config: RemoteConfig) -> Login | None:
    keys = [config.text(name) for name in ("access_key_id", "secret_access_key", "session_token")]
    return _static(config, "the DVC configuration", *keys)


def _from_environment(config: RemoteConfig) -> Login | None:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    keys = [os.environ.get(name) or None for name in names]
    return _static(config, "the environment (AWS_ACCESS_KEY_ID)", *keys)


def _from_profile(config: RemoteConfig, profile: Profile) -> Login | None:
    if profile.needs_botocore:
        return _from_botocore(profile)
    for section, path in zip((profile.credentials, profile.settings), profile.files, strict=True):
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        keys = [section.get(name) for name in names]
        if login := _static(config, f"the profile {profile.name!r} in {path}", *keys):
            return login
    return None


def _from_services() -> Login | None:
    environment = os.environ
    if environment.get("AWS_WEB_IDENTITY_TOKEN_FILE") and environment.get("AWS_ROLE_ARN"):
        return Login("a web identity (AWS_WEB_IDENTITY_TOKEN_FILE)", ambient=True)
    for name in ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        if environment.get(name):
            return Login(f"the container ({name})", ambient=True)
    return None


def _static(
    config: RemoteConfig, source: str, key: str | None, secret: str | None, token: str | None
) -> Login | None:
    if key is None and secret is None:
        return None
    if key is None or secret is None:
        missing = "secret access key" if secret is None else "access key id"
        raise CredentialsError(
            f"the remote '{config.name}' has no {missing}: there is only half of a key in {source}",
            hint="Set both, or neither.",
        )
    return Login(source, lambda: _credential(key, secret, token, None))


def _from_botocore(profile: Profile) -> Login:
    purpose = f"the AWS profile {profile.name!r} (single sign-on, a role, or a program)"
    try:
        import botocore.exceptions
        import botocore.session
    except ImportError:
        raise MissingExtraError.of("dvc", purpose) from None
    session = botocore.session.Session(profile=profile.name)
    for variable, path in zip(("credentials_file", "config_file"), profile.files, strict=True):
        session.set_config_variable(variable, str(path))
    resolver = session.get_component("credential_provider")
    resolver.remove("iam-role")  # a profile that wants it says so: credential_source
    hint = f"`aws sts get-caller-identity --profile {profile.name}` shows what is wrong with it."

    def get() -> S3Credential:
        try:
            found = resolver.load_credentials() if not kept else kept[0]
            if found is None:
                raise CredentialsError(f"{purpose} gives no keys", hint=hint)
            kept[:] = [found]
            keys = found.get_frozen_credentials()
        except botocore.exceptions.BotoCoreError as error:
            raise CredentialsError(f"{purpose} gives no keys: {error}", hint=hint) from error
        expiry = getattr(found, "_expiry_time", None)
        return _credential(keys.access_key, keys.secret_key, keys.token, expiry)

    kept: list[Any] = []
    return Login(f"the profile {profile.name!r}", get)


def _credential(
    key: str, secret: str, token: str | None, expires_at: datetime | None
) -> S3Credential:
    return {
        "access_key_id": key,
        "secret_access_key": secret,
        "token": token,
        "expires_at": expires_at,
    }
