"""Reading from S3, and from whatever else speaks its protocol.

Small objects come through obstore, which is faster than any client in Python. All others, and
those that failed, come from a signed URL by our own HTTP client, which sees the status and the
headers of each answer.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ..errors import CredentialsError, NetworkError, NeurogisterError, OnTapeError, RefusedError
from .awsprofile import read_profile
from .credentials import NOWHERE, find_login, login_hint
from .httpclient import OK, REDIRECTS, HTTPClient, Timeouts
from .httpobjects import (
    NO_RANGE,
    HTTPStream,
    content_length,
    open_object,
    read_beginning,
    read_object,
)
from .obstores import ONE_TRY, Unclear, client_options, explain, read_small
from .remotebase import Faults, parse_retry_after
from .s3service import Service, find_service
from .tls import Trust

if TYPE_CHECKING:
    from typing import Literal

    from obstore.store import S3Store
    from urllib3 import BaseHTTPResponse

    from ..model.digest import Buffer
    from ..model.remote import RemoteConfig

_VALID_FOR = timedelta(hours=1)
_CODE = re.compile(rb"<Code>\s*(\w{1,60})\s*</Code>")
_REGION = re.compile(rb"<Region>\s*([a-z0-9-]{1,40})\s*</Region>")
_REGION_NAME = re.compile(r"\A[a-z0-9-]{1,40}\Z")
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
        self._client = HTTPClient(
            self._faults,
            trust=self._trust,
            timeouts=self._timeouts,
            connections=self.preferred_jobs,
        )
        self._lock = threading.Lock()
        self._stores: dict[Service, S3Store] = {}

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

    def open(self, key: str, *, start: int = 0) -> HTTPStream:
        """Return an object as a stream; `Remote.open` says more."""
        return open_object(self._client, lambda more: self._send("GET", key, more), key, start)

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has."""
        response = self._send("HEAD", key, {})
        response.close()
        return content_length(response)

    def _send(
        self, method: Literal["GET", "HEAD"], key: str, headers: Mapping[str, str]
    ) -> BaseHTTPResponse:
        """Send a request; if the bucket is in another region, send it there."""
        service = self._service
        for last in (False, True):
            response = self._request(method, service, key, headers)
            if response.status in OK or (response.status == NO_RANGE and headers):
                self._service = service
                return response
            body = read_beginning(response)
            region = _other_region(response, body, service)
            if region is None or last:
                break
            service = replace(service, region=region)
        raise self._failure(response, body, key)

    def _request(
        self,
        method: Literal["GET", "HEAD"],
        service: Service,
        key: str,
        headers: Mapping[str, str],
    ) -> BaseHTTPResponse:
        url = self._signed(method, service, key)
        response = self._client.request(method, url, key=key, headers=headers)
        known = "x-amz-bucket-region" in response.headers
        if response.status in REDIRECTS and "Location" in response.headers and not known:
            response.close()
            return self._client.follow(method, url, key=key, headers=headers, credentials={})
        return response

    def _signed(self, method: Literal["GET", "HEAD"], service: Service, key: str) -> str:
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

    def _store(self, service: Service) -> S3Store:
        with self._lock:
            store = self._stores.get(service)
            if store is None:
                store = self._stores[service] = self._make_store(service)
            return store

    def _make_store(self, service: Service) -> S3Store:
        from obstore.store import S3Store  # 60 ms

        if self._login.get is not None:
            self._login.get()  # here its errors are ours; within obstore they become a text
        return S3Store(
            service.bucket,
            region=service.region,
            endpoint=service.base,
            aws_endpoint_url_s3=service.base,  # or one in the environment would count more
            virtual_hosted_style_request=service.virtual,
            skip_signature=self._login.anonymous,
            metadata_endpoint=NOWHERE,
            credential_provider=self._login.get,
            client_options=client_options(self._trust, self._timeouts, url=service.base),
            retry_config=ONE_TRY,
        )

    def _failure(self, response: BaseHTTPResponse, body: bytes, key: str) -> NeurogisterError:
        found = _CODE.search(body)
        code = found[1].decode() if found else ""
        if code == "NoSuchBucket":
            return self._faults.absent(key, ": there is no such bucket")
        if code == "InvalidObjectState":
            return OnTapeError(
                f"{key} is archived in the remote '{self.name}' ({self.address}), and not at hand",
                hint="Its owner must restore it (`aws s3api restore-object`) first.",
            )
        status, reason = response.status, _EXPLAINED.get(code, code)
        if code in _LOGIN_CODES:
            return self._faults.denied(key, reason)
        if code == "RequestTimeout":
            status = 408
        retry_after = parse_retry_after(response.headers.get("Retry-After"))
        return self._faults.status(key, status, reason=reason, retry_after=retry_after)


def _other_region(response: BaseHTTPResponse, body: bytes, service: Service) -> str | None:
    """Return the region in which the bucket is, if the server says that it is another one."""
    if response.status not in REDIRECTS and response.status not in (400, 403):
        return None
    found = _REGION.search(body)
    region = response.headers.get("x-amz-bucket-region") or (found[1].decode() if found else "")
    return region if _REGION_NAME.match(region) and region != service.region else None
