"""Objects through ``obstore``: the fastest way to small ones, and one attempt at a time.

obstore tells what went wrong in a text only, which is taken apart here. It may hold a URL with a
signature, and is never shown.
"""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .remotebase import LISTED_AT_ONCE, Faults, ObjectStat, is_encoded, plain_md5

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore.store import ClientConfig, ObjectStore, RetryConfig

    from ..errors import NeurogisterError
    from .httpclient import Timeouts
    from .remotebase import Page
    from .tls import Trust

logger = logging.getLogger(__name__)

ONE_TRY: RetryConfig = {"max_retries": 0}

_STATUS = re.compile(r"status code: ([0-9]{3})\b")
_SYSTEM = re.compile(r"\bOs \{\s*code: -?[0-9]+,\s*kind: \w+,\s*message: \"([^\"]{1,80})\"")
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_SECRET = re.compile(r"(\?)[^\s\"'>]+")


class Unclear(Exception):  # noqa: N818 - not an error yet: another way can tell more
    """obstore cannot read the answer, or not tell what it means."""


def client_options(
    trust: Trust, timeouts: Timeouts, *, url: str, headers: dict[str, str] | None = None
) -> ClientConfig:
    """Return the options of obstore's client.

    Parameters
    ----------
    trust : Trust
        How certificates are checked.
    timeouts : Timeouts
        How long to wait for a connection and between two reads; the whole may take days.
    url : str
        The server's; only if it is ``http:`` is anything but https allowed.
    headers : dict, optional
        To send with each request.
    """
    options: dict[str, Any] = {
        "connect_timeout": timedelta(seconds=timeouts.connect),
        "read_timeout": timedelta(seconds=timeouts.read),
        "timeout": timedelta(days=7),
        "allow_http": url.lower().startswith("http:"),
        "user_agent": "neurogister",
    }
    options |= trust.client_options()  # also without TLS: a redirect may lead there
    if headers:
        options["default_headers"] = headers
    return options  # type: ignore[return-value] # obstore names the keys, we put them together


def read_small(
    store: ObjectStore, path: str, *, key: str, limit: int, faults: Faults
) -> memoryview:
    """Return an object whole, from its path in a store; messages call it by its key.

    Raises
    ------
    Unclear
        If the answer is not to be had, or not to be understood, this way.
    IntegrityError
        If it is larger than ``limit``, or packed.
    NotFoundError, CredentialsError, NetworkError
        As for every remote.
    """
    import obstore
    from obstore.exceptions import BaseError

    try:
        result = obstore.get(store, path)
        size = result.range[1]
        if size > limit:
            raise faults.too_large(key, limit, size)
        encoding = result.attributes.get("Content-Encoding")
        if is_encoded(encoding):
            raise faults.encoded(key, encoding or "")
        return memoryview(result.bytes())
    except (BaseError, FileNotFoundError) as error:
        raise explain(error, key, faults) from None


def list_pages(store: ObjectStore, folder: str, top: str, *, faults: Faults) -> Iterator[Page]:
    """Give what lies in a folder of a store, with names that begin below another one.

    Parameters
    ----------
    store : ObjectStore
        The store.
    folder : str
        What is listed.
    top : str
        What paths in the store begin with, and keys do not.
    faults : Faults
        Makes errors.

    Raises
    ------
    CredentialsError, NetworkError, NotFoundError
        As for every remote.
    """
    import obstore
    from obstore.exceptions import BaseError

    try:
        for page in obstore.list(store, prefix=folder, chunk_size=LISTED_AT_ONCE):
            yield [
                (each["path"].removeprefix(top), ObjectStat(each["size"], plain_md5(each["e_tag"])))
                for each in page
            ]
    except (BaseError, FileNotFoundError) as error:
        found = explain(error, folder, faults)
        if isinstance(found, Unclear):
            raise faults.broken(folder, str(found), temporary=False) from None
        raise found from None


def explain(error: Exception, key: str, faults: Faults) -> NeurogisterError | Unclear:
    """Return our error for one of obstore's."""
    from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

    text = str(error)
    logger.debug("obstore: %s", _SECRET.sub(r"\1…", text))
    code = _CODE.search(text)
    reason = code[1] if code else ""
    if isinstance(error, FileNotFoundError):
        return faults.absent(key, ": there is no such bucket" if reason == "NoSuchBucket" else "")
    if status := _STATUS.search(text):
        if faults.storing and "MultipartUpload" in text and status[1] == "404":
            return faults.broken(key, f"it has forgotten the upload ({reason or status[1]})")
        return faults.status(key, int(status[1]), reason=reason)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return faults.denied(key, "there are no valid credentials")
    if "Header missing" in text or "BareRedirect" in text:
        return Unclear(text.partition("\n")[0])
    for sign, why, temporary in _SIGNS:
        if sign in text:
            return faults.broken(key, why, temporary=temporary)
    system = _SYSTEM.search(text)
    why = system[1].lower() if system else "it ended early"
    what = "no connection" if "kind: Connect," in text else "the connection broke"
    return faults.broken(key, f"{what} ({why})")


_SIGNS = (
    ("dns error", "its name is not known to DNS", True),
    ("InvalidCertificate", "its certificate is not to be trusted", False),
    ("InvalidContentType", "TLS does not work (it does not speak https)", False),
    ("TimedOut", "nothing came for too long", True),
    ("kind: Timeout", "nothing came for too long", True),
    ("kind: Redirect", "it redirects where we do not follow", False),
    ("BadScheme", "it redirects (or leads) to what is not https, or not even http", False),
    ("kind: Builder", "its address cannot be used", False),
    ("Unable to parse", "its address cannot be used", False),
)
