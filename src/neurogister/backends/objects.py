"""S3, and whatever else speaks its protocol.

Small objects come through obstore, which is faster than any client in Python. All others, and
those that failed, come from a signed URL by our own HTTP client, which sees the status and the
headers of each answer. All objects go there through obstore, but for small ones that failed.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import (
    CredentialsError,
    NetworkError,
    NeurogisterError,
    NoSpaceError,
    OnTapeError,
    RefusedError,
)
from .awsprofile import read_profile
from .credentials import NOWHERE, find_login, login_hint
from .httpclient import OK, REDIRECTS, HTTPClient, Timeouts
from .httpobjects import (
    NO_RANGE,
    content_length,
    open_object,
    read_beginning,
    read_object,
)
from .obstores import Unclear, client_options, explain, list_pages, read_small
from .remotebase import (
    Advance,
    Faults,
    ObjectStat,
    ObjectStream,
    Page,
    ignore,
    parse_retry_after,
    plain_md5,
)
from .s3service import Service, find_encryption, find_service, unsendable_options
from .tls import Trust
from .uploads import Body, Budget, Manner, body_headers, put_object

if TYPE_CHECKING:
    from typing import Literal

    Method = Literal["GET", "HEAD", "PUT"]

    from obstore.store import S3Store
    from urllib3 import BaseHTTPResponse

    from ..model.digest import Buffer
    from ..model.remote import RemoteConfig

_VALID_FOR = timedelta(hours=1)
_CODE = re.compile(rb"<Code>\s*(\w{1,60})\s*</Code>")
_REGION = re.compile(rb"<Region>\s*([a-z0-9-]{1,40})\s*</Region>")
_REGION_NAME = re.compile(r"\A[a-z0-9-]{1,40}\Z")
_STORED = frozenset({200, 201, 204})
_LOGIN_CODES = frozenset({"ExpiredToken", "InvalidToken", "TokenRefreshRequired"})
_EXPLAINED = {
    "AccessDenied": "AccessDenied; it may say so, too, of what it does not hold",
    "RequestTimeTooSkewed": "RequestTimeTooSkewed: the clock of this computer is wrong",
}


class S3Remote:
    """A bucket, or a folder in one.

    Parameters
    ----------
    config : RemoteConfig
        What DVC's configuration says.
    timeout : float
        Seconds to wait, unless the configuration says otherwise.
    jobs : int
        How many objects at once, unless the configuration says otherwise.
    """

    def __init__(self, config: RemoteConfig, *, timeout: float, jobs: int) -> None:
        if config.text("sse_customer_key"):
            raise RefusedError(
                f"the remote '{config.name}' keeps its objects encrypted with a key of yours"
                " (sse_customer_key), which neurogister does not send",
                hint="`dvc pull` can read it.",
            )
        profile = read_profile(config)
        self.name = config.name
        self.address = config.address
        self.preferred_jobs = int(config.number("jobs") or jobs)
        self._login = find_login(config, profile)
        self._service = find_service(config, profile)
        self._timeouts = Timeouts.of(config, timeout)
        ca = os.environ.get("AWS_CA_BUNDLE") or profile.settings.get("ca_bundle")
        self._trust = Trust.of(config, default=ca or os.environ.get("REQUESTS_CA_BUNDLE"))
        at = f" at {self._service.endpoint}" if self._service.endpoint else ""
        self._faults = Faults(self.name, f"{self.address}{at}", login_hint(config, self._login))
        self._unsendable = unsendable_options(config)
        self._encryption = find_encryption(config)
        self._client = HTTPClient(
            self._faults,
            trust=self._trust,
            timeouts=self._timeouts,
            connections=self.preferred_jobs,
        )
        self._storing = self._client.storing()
        self._budget = Budget()
        self._lock = threading.Lock()
        self._stores: dict[tuple[Service, Manner], S3Store] = {}

    def prefetch(self, keys: Iterable[str]) -> None:
        """Do nothing: there is no faster way to get many."""

    def read(self, key: str, *, limit: int, careful: bool = False) -> Buffer:
        """Return a small object whole; `Remote.read` says more."""
        if not careful:
            try:
                return self._read_fast(key, limit)
            except Unclear:
                pass
            except CredentialsError:
                pass  # perhaps only the region is wrong; the careful way sees it
            except NetworkError as error:
                if error.temporary:
                    raise
        return read_object(self._client, lambda more: self._send("GET", key, more), key, limit)

    def _read_fast(self, key: str, limit: int) -> Buffer:
        service = self._service
        store, path = self._store(service), service.key(key)
        return read_small(store, path, key=key, limit=limit, faults=self._faults)

    def open(self, key: str, *, start: int = 0) -> ObjectStream:
        """Return an object as a stream; `Remote.open` says more."""
        return open_object(self._client, lambda more: self._send("GET", key, more), key, start)

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has."""
        response = self._send("HEAD", key, {})
        response.close()
        return content_length(response)

    def stat(self, key: str, *, careful: bool = False) -> ObjectStat:
        """Return the size of an object, and its md5 if the ETag is one."""
        if not careful:
            with suppress(Unclear, CredentialsError):
                return self._stat_fast(key)
        response = self._send("HEAD", key, {})
        response.close()
        headers = response.headers
        encrypted = headers.get("x-amz-server-side-encryption", "").startswith("aws:kms")
        md5 = None if encrypted else plain_md5(headers.get("ETag"))
        return ObjectStat(content_length(response), md5)

    def _stat_fast(self, key: str) -> ObjectStat:
        import obstore
        from obstore.exceptions import BaseError

        service = self._service
        try:
            meta = obstore.head(self._store(service), service.key(key))
        except (BaseError, FileNotFoundError) as error:
            found = explain(error, key, self._faults)
            final = isinstance(found, NetworkError) and not found.temporary
            raise Unclear(str(found)) if final else found from None
        return ObjectStat(meta["size"], plain_md5(meta["e_tag"]))

    def pages(self, folder: str) -> Iterator[Page]:
        """List objects; `Lists.pages` says more."""
        service = self._service
        store = self._store(service)
        return list_pages(store, service.key(folder), service.key(""), faults=self._faults)

    def why_not_writable(self) -> str | None:
        """Say that there are no credentials, or options that cannot be obeyed, if so."""
        if self._unsendable:
            return (
                f"the remote '{self.name}' ({self.address}) wants {', '.join(self._unsendable)} to"
                " be sent with each object, which neurogister does not do"
            )
        if self._login.anonymous:
            return (
                f"the remote '{self.name}' ({self.address}) is asked without credentials,"
                " with which one can read at most"
            )
        return None

    def write(
        self,
        key: str,
        source: Buffer | Path,
        *,
        md5: str | None = None,
        careful: bool = False,
        advance: Advance = ignore,
    ) -> ObjectStat:
        """Store an object whole; `Remote.write` says more."""
        if self._unsendable or self._login.anonymous:
            raise RefusedError(f"{self.why_not_writable()}", hint=f"`dvc push -r {self.name}` may.")
        body = Body(source, advance)
        # The headers of encryption would have to be in a signature that obstore does not make.
        by_url = not body.in_parts and not self._encryption
        if careful and by_url:
            return self._write_by_url(key, body, md5)
        before = self._service
        try:
            return self._write_fast(key, body)
        except (Unclear, NeurogisterError) as error:
            if isinstance(error, NoSpaceError) or getattr(error, "temporary", False):
                raise
            if by_url:
                return self._write_by_url(key, body, md5)
            with suppress(NeurogisterError):
                self.stat(key, careful=True)  # perhaps only the region is wrong
            if self._service == before:
                raise self._clear(error, key) from None
        return self._write_again(key, body)

    def _write_fast(self, key: str, body: Body) -> ObjectStat:
        service = self._service
        return put_object(
            self._store(service, Manner.of(body)), service.key(key), body,
            key=key, faults=self._faults.of_storing, budget=self._budget,
        )  # fmt: skip

    def _write_again(self, key: str, body: Body) -> ObjectStat:
        try:
            return self._write_fast(key, body)
        except Unclear as error:
            raise self._clear(error, key) from None

    def _clear(self, error: Exception, key: str) -> Exception:
        if isinstance(error, Unclear):
            return self._faults.of_storing.broken(key, str(error), temporary=False)
        return error

    def _write_by_url(self, key: str, body: Body, md5: str | None) -> ObjectStat:
        with body.own_errors():
            response = self._send("PUT", key, body_headers(body, md5), body)
        read_beginning(response)
        return ObjectStat(md5=plain_md5(response.headers.get("ETag")))

    def _send(
        self, method: Method, key: str, headers: Mapping[str, str], upload: Body | None = None
    ) -> BaseHTTPResponse:
        """Send a request; if the bucket is in another region, send it there."""
        service = self._service
        for last in (False, True):
            response = self._request(method, service, key, headers, upload)
            expected = _STORED if upload is not None else OK | {NO_RANGE} if headers else OK
            if response.status in expected:
                self._service = service
                return response
            body = read_beginning(response)
            region = _other_region(response, body, service)
            if region is None or last:
                break
            service = replace(service, region=region)
        client = self._client if upload is None else self._storing
        raise self._failure(response, body, key, client.faults)

    def _request(
        self,
        method: Method,
        service: Service,
        key: str,
        headers: Mapping[str, str],
        upload: Body | None,
    ) -> BaseHTTPResponse:
        url = self._signed(method, service, key)
        if upload is not None:
            return self._storing.request(method, url, key=key, headers=headers, body=upload)
        response = self._client.request(method, url, key=key, headers=headers)
        known = "x-amz-bucket-region" in response.headers
        if response.status in REDIRECTS and "Location" in response.headers and not known:
            response.close()
            return self._client.follow(method, url, key=key, headers=headers, credentials={})
        return response

    def _signed(self, method: Method, service: Service, key: str) -> str:
        if self._login.anonymous:
            # obstore would look for keys to sign with, whatever we tell it.
            return service.object_url(key)
        import obstore
        from obstore.exceptions import BaseError

        store = self._store(service)
        try:
            return obstore.sign(store, method, service.key(key), _VALID_FOR)
        except BaseError as error:
            why = explain(error, key, self._faults)
            if isinstance(why, NetworkError) and "Unauthenticated" not in type(error).__name__:
                raise why from None
            source = self._login.source
            raise self._faults.denied(key, f"there are no keys from {source}") from None

    def _store(self, service: Service, manner: Manner = Manner()) -> S3Store:  # noqa: B008
        if (store := self._stores.get((service, manner))) is not None:
            return store
        with self._lock:
            store = self._stores.get((service, manner))
            if store is None:
                store = self._stores[service, manner] = self._make_store(service, manner)
            return store

    def _make_store(self, service: Service, manner: Manner) -> S3Store:
        from obstore.store import S3Store  # 60 ms

        if self._login.get is not None:
            self._login.get()  # here its errors are ours; within obstore they become a text
        timeouts = self._timeouts.more(manner.patience)
        return S3Store(
            service.bucket,
            region=service.region,
            endpoint=service.base,
            aws_endpoint_url_s3=service.base,  # or one in the environment would count more
            virtual_hosted_style_request=service.virtual,
            skip_signature=self._login.anonymous,
            metadata_endpoint=NOWHERE,
            credential_provider=self._login.get,
            client_options=client_options(self._trust, timeouts, url=service.base),
            retry_config=manner.retries,
            **self._encryption,
        )

    def _failure(
        self, response: BaseHTTPResponse, body: bytes, key: str, faults: Faults
    ) -> NeurogisterError:
        found = _CODE.search(body)
        code = found[1].decode() if found else ""
        if code == "NoSuchBucket":
            return faults.absent(key, ": there is no such bucket")
        if code == "InvalidObjectState":
            return OnTapeError(
                f"{key} is archived in the remote '{self.name}' ({self.address}), and not at hand",
                hint="Its owner must restore it (`aws s3api restore-object`) first.",
            )
        status, reason = response.status, code
        if not faults.storing:
            reason = _EXPLAINED.get(code, code)
        if code in _LOGIN_CODES:
            return faults.denied(key, reason)
        if code == "RequestTimeout":
            status = 408
        retry_after = parse_retry_after(response.headers.get("Retry-After"))
        return faults.status(key, status, reason=reason, retry_after=retry_after)


def _other_region(response: BaseHTTPResponse, body: bytes, service: Service) -> str | None:
    """Return the region in which the bucket is, if the server says that it is another one."""
    if response.status not in REDIRECTS and response.status not in (400, 403):
        return None
    found = _REGION.search(body)
    region = response.headers.get("x-amz-bucket-region") or (found[1].decode() if found else "")
    return region if _REGION_NAME.match(region) and region != service.region else None
