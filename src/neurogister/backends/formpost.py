"""Uploads by a form that somebody else has signed: S3's presigned POST."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import CredentialsError, InvalidFileError, NotFoundError, RefusedError
from ..model.submissions import check_address
from .httpclient import HTTPClient, Timeouts
from .httpobjects import HTTPStream, read_beginning
from .remotebase import (
    Advance,
    Faults,
    ObjectStat,
    ignore,
    parse_retry_after,
    plain_md5,
)
from .tls import Trust
from .uploads import Body

if TYPE_CHECKING:
    from ..model.digest import Buffer

_FILENAME = "${filename}"
_STORED = frozenset({200, 201, 204})
_FIELD = re.compile(r"\A[A-Za-z0-9_.-]{1,128}\Z")
_CODE = re.compile(rb"<Code>\s*(\w{1,60})\s*</Code>")
_JOBS = 8
_NEW_FORM = "The form may have expired, or allows other names or sizes: ask for a new one."


@dataclass(frozen=True)
class Form:
    """Where and with which fields to upload.

    Parameters
    ----------
    url : str
        Where it is sent.
    fields : mapping of str to str
        What is sent with each file; `key` ends with ``${filename}``.
    address : str
        Under which the maintainers find what was uploaded.
    """

    url: str
    fields: Mapping[str, str]
    address: str

    @classmethod
    def parse(cls, data: bytes, name: str) -> Form:
        """Read a form: JSON with `url` and `fields`, as S3's libraries make them.

        Raises
        ------
        InvalidFileError
            If it is none.
        """
        try:
            document = json.loads(data)
            url, fields = document["url"], document["fields"]
            server = urlsplit(url).hostname if isinstance(url, str) else None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _invalid(name, "is no JSON with `url` and `fields`") from None
        if not server or urlsplit(url).scheme not in ("http", "https"):
            raise _invalid(name, "has a url that is no address of a server")
        plain = isinstance(fields, dict) and all(
            isinstance(value, str) and _FIELD.match(key) and not set(value) & {"\r", "\n", "\0"}
            for key, value in fields.items()
        )
        if not plain:
            raise _invalid(name, "has fields that are not names with lines of text")
        key = fields.get("key", "")
        if not key.endswith(_FILENAME) or key.count(_FILENAME) > 1:
            raise _invalid(name, f"has a field `key` that does not end with {_FILENAME}")
        prefix = key.removesuffix(_FILENAME).strip("/")
        address = document.get("address") or "/".join(filter(None, [url.rstrip("/"), prefix]))
        try:
            check_address(address if isinstance(address, str) else "")
        except RefusedError as error:
            raise _invalid(name, f"has an address that is none: {error.message}") from error
        return cls(url, fields, address)


class FormRemote:
    """A place that takes objects by a form, and shows none; as `Remote` says.

    Parameters
    ----------
    name : str
        What messages call it.
    form : Form
        Where and how.
    timeout : float
        Seconds to wait.
    """

    def __init__(self, name: str, form: Form, *, timeout: float) -> None:
        self.name = name
        self.address = form.address
        self.preferred_jobs = _JOBS
        self._form = form
        self._sent: dict[str, ObjectStat] = {}
        faults = Faults(name, form.address, _NEW_FORM, storing=True)
        self._faults = faults
        self._client = HTTPClient(
            faults, trust=Trust(), timeouts=Timeouts(timeout, timeout), connections=_JOBS
        )

    def prefetch(self, keys: Iterable[str]) -> None:
        """Do nothing."""

    def read(self, key: str, *, limit: int, careful: bool = False) -> Buffer:
        """Refuse: a form shows nothing."""
        del limit, careful
        raise self._blind(key)

    def open(self, key: str, *, start: int = 0) -> HTTPStream:
        """Refuse: a form shows nothing."""
        del start
        raise self._blind(key)

    def size(self, key: str) -> int | None:
        """Return the size of what was taken just now."""
        return self.stat(key).size

    def stat(self, key: str, *, careful: bool = False) -> ObjectStat:
        """Return what the answer to our own upload said: nothing else is shown."""
        del careful
        if key not in self._sent:
            raise NotFoundError(f"'{self.name}' does not tell whether it holds {key}")
        return self._sent[key]

    def why_not_writable(self) -> None:
        """Say that it may be tried."""

    def write(
        self,
        key: str,
        source: Buffer | Path,
        *,
        md5: str | None = None,
        careful: bool = False,
        advance: Advance = ignore,
    ) -> ObjectStat:
        """Send an object with the form; `Remote.write` says more."""
        del careful, md5
        body = Body(source, advance)
        boundary = f"neurogister-{secrets.token_hex(16)}"
        head, tail = _parts(self._form.fields, key, boundary)
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(head) + body.size + len(tail)),
        }

        def chunks() -> Iterator[Buffer]:
            yield head
            yield from body
            yield tail

        with body.own_errors():
            response = self._client.request(
                "POST", self._form.url, key=key, headers=headers, body=chunks()
            )
            answer = read_beginning(response)
            if response.status not in _STORED:
                code = _CODE.search(answer)
                raise self._faults.status(
                    key, response.status, reason=code[1].decode() if code else "",
                    retry_after=parse_retry_after(response.headers.get("Retry-After")),
                )  # fmt: skip
        self._sent[key] = ObjectStat(body.size, plain_md5(response.headers.get("ETag")))
        return self._sent[key]

    def _blind(self, key: str) -> CredentialsError:
        return CredentialsError(f"'{self.name}' takes objects and shows none, as {key}")


def _parts(fields: Mapping[str, str], key: str, boundary: str) -> tuple[bytes, bytes]:
    """Return what comes before and after the bytes of an object (RFC 7578)."""
    sent = {**fields, "key": fields["key"].removesuffix(_FILENAME) + key}
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in sent.items()
    ]
    lines.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="object"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return "".join(lines).encode(), f"\r\n--{boundary}--\r\n".encode()


def _invalid(name: str, reason: str) -> InvalidFileError:
    return InvalidFileError(
        f"the form {name} {reason}", hint="Ask the registry's maintainers for another one."
    )
