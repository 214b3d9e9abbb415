"""What the AWS files of a user say about one profile."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import CredentialsError, InvalidFileError
from ..model.remote import RemoteConfig

Section = Mapping[str, str]


@dataclass(frozen=True)
class Profile:
    """A profile as it stands in ``~/.aws/credentials`` and ``~/.aws/config``.

    Parameters
    ----------
    name : str
        Of the profile.
    explicit : bool
        Whether the remote names it, so that it counts more than the environment.
    credentials, settings : mapping
        Its sections in the two files.
    services : mapping
        What the file of settings says about S3 for this profile.
    files : tuple of Path
        The two files.
    """

    name: str
    explicit: bool = False
    credentials: Section = field(default_factory=dict, repr=False)
    settings: Section = field(default_factory=dict, repr=False)
    services: Section = field(default_factory=dict)
    files: tuple[Path, Path] = (Path(), Path())

    @property
    def needs_botocore(self) -> bool:
        """Whether its keys are made by a service or program, which botocore knows to ask."""
        settings = {**self.settings, **self.credentials}
        keys = "role_arn sso_session sso_start_url login_session web_identity_token_file"
        if any(name in settings for name in keys.split()):
            return True
        return "credential_process" in settings and "aws_access_key_id" not in self.credentials

    @property
    def addressing_style(self) -> str:
        """``virtual`` if buckets are names of hosts; else ``path``."""
        return nested(self.settings.get("s3", "")).get("addressing_style", "auto")

    @property
    def endpoint(self) -> str | None:
        """The address of the S3 service that it wants."""
        return self.services.get("endpoint_url") or self.settings.get("endpoint_url")


def read_profile(config: RemoteConfig) -> Profile:
    """Read the profile that a remote, or else the environment, names.

    Parameters
    ----------
    config : RemoteConfig
        Of the remote; ``profile``, ``credentialpath`` and ``configpath`` count.

    Raises
    ------
    CredentialsError
        If a profile is named that there is not.
    InvalidFileError
        If a file cannot be read.
    """
    environment = os.environ
    explicit = config.text("profile")
    wanted = explicit or environment.get("AWS_PROFILE") or environment.get("AWS_DEFAULT_PROFILE")
    # As in DVC, which sets these variables from the options if nobody else has.
    files = tuple(
        Path(environment.get(variable) or config.text(option) or f"~/.aws/{default}").expanduser()
        for variable, option, default in (
            ("AWS_SHARED_CREDENTIALS_FILE", "credentialpath", "credentials"),
            ("AWS_CONFIG_FILE", "configpath", "config"),
        )
    )
    credentials, settings = _read(files[0]), _read(files[1])
    name = wanted or "default"
    header = name if name == "default" else f"profile {name}"
    own = settings.get(header) or settings.get(f"profile {name}")
    if wanted and name not in credentials and own is None:
        raise CredentialsError(
            f"the remote '{config.name}' needs the AWS profile {name!r},"
            f" which is neither in {files[0]} nor in {files[1]}",
            hint=f"`aws configure --profile {name}` makes it.",
        )
    own = own or {}
    services = settings.get(f"services {own.get('services', '')}", {})
    return Profile(
        name=name,
        explicit=explicit is not None,
        credentials=credentials.get(name, {}),
        settings=own,
        services=nested(services.get("s3", "")),
        files=(files[0], files[1]),
    )


def nested(text: str) -> dict[str, str]:
    """Take a value that is a block of indented ``name = value`` lines apart."""
    lines = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _read(path: Path) -> dict[str, Section]:
    # No section is a default for the others, and `%` is a character.
    parser = configparser.RawConfigParser(default_section="\0", strict=False)
    try:
        with path.open(encoding="utf-8") as stream:
            parser.read_file(stream)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise InvalidFileError(
            f"{path} cannot be read: {type(error).__name__}",
            hint="`aws configure list` shows whether the AWS tools can read it.",
        ) from None
    return {name.strip(): dict(parser[name]) for name in parser.sections()}
