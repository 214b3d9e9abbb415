"""Where an S3 remote is, and how it is asked: from its options, the environment, a profile."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from ..errors import InvalidFileError
from ..model.remote import RemoteConfig
from .awsprofile import Profile

_ENCRYPTIONS = ("AES256", "aws:kms", "aws:kms:dsse")
_BUCKET = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,254}\Z")


@dataclass(frozen=True)
class Service:
    """A bucket, or a folder in one.

    Parameters
    ----------
    bucket : str
        Its name.
    prefix : str
        The folder; empty for all of the bucket.
    region : str
        The region that requests are signed for.
    endpoint : str, optional
        Another server than those of AWS.
    secure : bool
        Whether AWS is asked by https.
    virtual : bool
        Whether the bucket is a part of the host's name.
    """

    bucket: str
    prefix: str
    region: str
    endpoint: str | None = None
    secure: bool = True
    virtual: bool = False

    @property
    def url(self) -> str:
        """The address of the bucket."""
        base = self.base
        return base if self.virtual else f"{base}/{self.bucket}"

    @property
    def base(self) -> str:
        """What obstore calls the endpoint: with the bucket if that is a part of the host."""
        scheme = "https" if self.secure else "http"
        domain = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        base = self.endpoint or f"{scheme}://s3.{self.region}.{domain}"
        if not self.virtual:
            return base
        parts = urlsplit(base)
        return parts._replace(netloc=f"{self.bucket}.{parts.netloc}").geturl()

    def key(self, key: str) -> str:
        """Return the name of an object in the bucket."""
        return f"{self.prefix}/{key}" if self.prefix else key

    def object_url(self, key: str) -> str:
        """Return the address of an object, without a signature."""
        return f"{self.url}/{quote(self.key(key), safe='/~')}"


def find_service(config: RemoteConfig, profile: Profile) -> Service:
    """Find out where a remote is.

    Raises
    ------
    InvalidFileError
        If its ``url`` or ``endpointurl`` is none.
    """
    bucket, _, prefix = config.url.partition("://")[2].partition("/")
    prefix = prefix.removesuffix("/")
    if not _BUCKET.match(bucket) or not all(
        part not in ("", ".", "..") for part in prefix.split("/") if prefix
    ):
        raise InvalidFileError(
            f"{config.origin}: the remote '{config.name}' has a url that is no"
            " s3://BUCKET/FOLDER without empty parts",
            hint=f"`dvc remote modify {config.name} url s3://BUCKET/FOLDER` mends it.",
        )
    environment = os.environ
    region = (
        config.text("region")
        or environment.get("AWS_REGION")
        or environment.get("AWS_DEFAULT_REGION")
        or profile.settings.get("region")
        or "us-east-1"
    )
    return Service(
        bucket=bucket,
        prefix=prefix,
        region=region,
        endpoint=_find_endpoint(config, profile),
        secure=config.flag("use_ssl", default=True),
        virtual=profile.addressing_style == "virtual",
    )


def find_encryption(config: RemoteConfig) -> dict[str, Any]:
    """Return how the server is to encrypt what it stores, in obstore's options."""
    key = config.text("sse_kms_key_id")
    kind = config.text("sse") or ("aws:kms" if key else None)
    if kind not in _ENCRYPTIONS or (kind == "AES256" and key):
        return {}
    options = {"server_side_encryption": kind}
    return options | ({"sse_kms_key_id": key} if key else {})


def unsendable_options(config: RemoteConfig) -> list[str]:
    """List the options that want something sent with an upload that we cannot send."""
    names = ["acl", "grant_read", "grant_read_acp", "grant_write_acp", "grant_full_control"]
    found = [name for name in names if config.text(name)]
    kind = config.text("sse")
    if kind and kind not in _ENCRYPTIONS:
        found.append("sse")
    if kind == "AES256" and config.text("sse_kms_key_id"):
        found.append("sse_kms_key_id")
    return found


def _find_endpoint(config: RemoteConfig, profile: Profile) -> str | None:
    environment = os.environ
    found = config.text("endpointurl")
    ignored = environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true"
    if found is None and not ignored:
        found = (
            environment.get("AWS_ENDPOINT_URL_S3")
            or environment.get("AWS_ENDPOINT_URL")
            or profile.endpoint
        )
    if not found:
        return None
    parts = urlsplit(found)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise InvalidFileError(
            f"the endpoint of the remote '{config.name}' is no http:// or https:// address",
            hint=f"`dvc remote modify {config.name} endpointurl https://HOST` mends it.",
        )
    return found.rstrip("/")
