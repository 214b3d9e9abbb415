"""What tests of uploads share: objects as a cache has them, and a server of S3 that tells all."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.factories import random_files
from tests.servers import ThreadedServer, read_body, running

from neurogister.actions.upload import Outgoing, Stored
from neurogister.backends.remotes import Remote, open_remote
from neurogister.errors import NeurogisterError
from neurogister.model.objects import ObjectId
from neurogister.model.remote import RemoteConfig


@dataclass
class Shelf:
    """Objects in a folder, as a cache has them."""

    root: Path
    content: dict[ObjectId, bytes] = field(default_factory=dict)

    def add(self, data: bytes, label: str = "", *, listing: bool = False) -> Outgoing:
        oid = ObjectId(hashlib.md5(data).hexdigest(), listing=listing)
        path = self.root / oid.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.content[oid] = data
        sha256 = hashlib.sha256(data).hexdigest()
        return Outgoing(oid, len(data), path, label or f"file-{len(self.content)}", sha256)

    def add_many(self, count: int, *, largest: int = 2000, seed: int = 1) -> list[Outgoing]:
        files = random_files(count, largest=largest, seed=seed)
        return [self.add(data, name) for name, data in files.items()]


def check_stored(results: Mapping[ObjectId, Stored | NeurogisterError], state: str) -> set[str]:
    """Check that all is there, and return how we know."""
    failed = [each for each in results.values() if not isinstance(each, Stored)]
    assert failed == []
    assert {each.state for each in results.values() if isinstance(each, Stored)} <= {state}
    return {each.proof for each in results.values() if isinstance(each, Stored)}


def only_error(results: Mapping[ObjectId, Stored | NeurogisterError]) -> NeurogisterError:
    (error,) = results.values()
    assert isinstance(error, NeurogisterError)
    return error


def holds(folder: Path, one: Outgoing) -> bytes | None:
    path = folder / one.oid.key
    return path.read_bytes() if path.exists() else None


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.endswith(".tmp")]


class FakeS3(ThreadedServer):
    """A server of one bucket in memory, with uploads in parts, that tells all that happened."""

    def __init__(self) -> None:
        super().__init__(_Bucket)
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.aborted = 0
        self.requests: list[tuple[str, str, Mapping[str, str]]] = []
        self.status: dict[str, int] = {}
        self.failing: list[int] = []
        self.headers: dict[str, str] = {}
        self.etag: Callable[[bytes], str] = lambda data: hashlib.md5(data).hexdigest()
        self.keeps: Callable[[str, bytes], bytes | None] = lambda _, data: data
        self.page = 1000

    def open(self, **options: Any) -> Remote:
        keys = {"access_key_id": "TESTACCESSKEY", "secret_access_key": "TESTSECRETKEY"}
        where = {"endpointurl": self.url, "region": "us-east-1"}
        return open_remote(
            RemoteConfig("lab", "s3://bucket", {**keys, **where, **options}), timeout=5
        )

    def count(self, method: str, *, lists: bool = False) -> int:
        """Tell how often something was asked for; to list is no GET."""
        return sum(
            each == method and ("list-type" in path) == lists for each, path, _ in self.requests
        )

    def listed(self, token: str) -> tuple[list[str], str | None]:
        """Return a page of names, and what the next one begins with."""
        names = sorted(self.objects)[int(token or 0) :]
        page = names[: self.page]
        rest = len(names) > self.page
        return page, str(int(token or 0) + self.page) if rest else None


class fake_s3:  # noqa: N801
    def __enter__(self) -> FakeS3:
        server = FakeS3()
        self._stack = ExitStack()
        self._stack.enter_context(running(server))
        return server

    def __exit__(self, *details: object) -> None:
        self._stack.close()


class _Bucket(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FakeS3

    def do_GET(self) -> None:
        body = read_body(self)
        parts = urlsplit(self.path)
        key = unquote(parts.path).removeprefix("/bucket/")
        query = {
            name: values[0]
            for name, values in parse_qs(parts.query, keep_blank_values=True).items()
        }
        self.server.requests.append((self.command, self.path, self.headers))  # type: ignore[arg-type]
        status = self.server.status.get(self.command)
        if status is None and self.command == "PUT" and self.server.failing:
            status = self.server.failing.pop()
        if "list-type" in query:
            status = self.server.status.get("LIST")
        if status is not None:
            self._answer(status, b"<Error><Code>Made</Code></Error>")
        elif "list-type" in query:
            self._list(query)
        elif "uploadId" in query or "uploads" in query:
            self._in_parts(key, query, body)
        elif self.command == "PUT":
            kept = self.server.keeps(key, body)
            if kept is not None:
                self.server.objects[key] = kept
            self._answer(200, etag=self.server.etag(body))
        elif key in self.server.objects:
            data = self.server.objects[key]
            self._answer(200, data, etag=self.server.etag(data))
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

    def _list(self, query: Mapping[str, str]) -> None:
        page, following = self.server.listed(query.get("continuation-token", ""))
        inner = "".join(
            f"<Contents><Key>{name}</Key><Size>{len(self.server.objects[name])}</Size>"
            f"<ETag>&quot;{self.server.etag(self.server.objects[name])}&quot;</ETag>"
            "<LastModified>2026-10-21T07:28:00.000Z</LastModified></Contents>"
            for name in page
        )
        token = f"<NextContinuationToken>{following}</NextContinuationToken>" if following else ""
        self._answer(200, f"<ListBucketResult>{inner}{token}</ListBucketResult>".encode())

    def _in_parts(self, key: str, query: Mapping[str, str], body: bytes) -> None:
        uploads = self.server.uploads
        if "uploads" in query:
            name = f"upload-{len(uploads)}"
            uploads[name] = {}
            self._answer(200, self._result("InitiateMultipartUpload", key, UploadId=name))
        elif self.command == "PUT":
            uploads[query["uploadId"]][int(query["partNumber"])] = body
            self._answer(200, etag=self.server.etag(body))
        elif self.command == "DELETE":
            uploads.pop(query["uploadId"], None)
            self.server.aborted += 1
            self._answer(204)
        else:
            found = uploads.pop(query["uploadId"])
            data = b"".join(found[number] for number in sorted(found))
            self.server.objects[key] = data
            etag = f'"{self.server.etag(data)}-{len(found)}"'
            self._answer(200, self._result("CompleteMultipartUpload", key, ETag=etag))

    def _result(self, name: str, key: str, **values: str) -> bytes:
        inner = "".join(f"<{tag}>{value}</{tag}>" for tag, value in values.items())
        start = f"<{name}Result><Bucket>bucket</Bucket><Key>{key}</Key>"
        return f"{start}{inner}</{name}Result>".encode()

    def _answer(self, status: int, body: bytes = b"", *, etag: str | None = None) -> None:
        self.send_response(status)
        if etag is not None:
            self.send_header("ETag", f'"{etag}"')
            self.send_header("Last-Modified", "Wed, 21 Oct 2026 07:28:00 GMT")
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
