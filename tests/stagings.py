"""Servers where the bytes of submissions wait, as real ones decide who may write what."""

import base64
import hashlib
import hmac
import http.client
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.servers import ThreadedServer, read_body, running

_SENT = ("host", "authorization", "range", "content-type")


class Gateway(ThreadedServer):
    """In front of an S3 server: each key may write only where its policy says.

    Parameters
    ----------
    endpoint : str
        The S3 server, which checks the signatures.
    rights : mapping of str to str
        What the path must start with that a key writes.
    """

    def __init__(self, endpoint: str, rights: Mapping[str, str]) -> None:
        super().__init__(_GatewayHandler)
        self.endpoint = endpoint
        self.rights = rights
        self.refused: list[str] = []


class _GatewayHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gateway

    def do_GET(self) -> None:
        body = read_body(self)
        key = re.search(r"Credential=(\w+)/|Credential=(\w+)%2F", self._authorization())
        right = self.server.rights.get((key[1] or key[2]) if key else "")
        path = unquote(urlsplit(self.path).path)
        writes = self.command not in ("GET", "HEAD")
        if right is None or (writes and not path.startswith(right)):
            self.server.refused.append(f"{self.command} {path}")
            self._answer(403, {}, b"<Error><Code>AccessDenied</Code></Error>")
            return
        found = re.search(r"SignedHeaders=([\w;-]+)", self._authorization())
        names = [*_SENT, *(found[1].split(";") if found else ())]
        headers = {name: self.headers[name] for name in names if name in self.headers}
        connection = http.client.HTTPConnection(urlsplit(self.server.endpoint).netloc)
        try:
            connection.request(self.command, self.path, body or None, headers)
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        self._answer(response.status, dict(response.getheaders()), data)

    do_PUT = do_HEAD = do_POST = do_DELETE = do_GET  # noqa: N815

    def _authorization(self) -> str:
        return self.headers["Authorization"] or self.path

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        length = headers.get("Content-Length", str(len(body)))
        kept = {"etag", "content-type", "last-modified", "content-range", "accept-ranges"}
        for name, value in headers.items():
            if name.lower() in kept:
                self.send_header(name, value)
        self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


class FormServer(ThreadedServer):
    """Takes uploads by a signed form, as S3 does, and checks signature, expiry and conditions."""

    def __init__(self, root: Path, secret: str) -> None:
        super().__init__(_FormHandler)
        self.root = root
        self.secret = secret

    def form(self, prefix: str, *, largest: int = 1 << 30, seconds: int = 600) -> dict[str, object]:
        """Make a form as a registry's broker does (the shape is that of boto3)."""
        now = datetime.now(UTC)
        expires = (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        fields = {
            "key": f"{prefix}${{filename}}",
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": f"BROKER/{now:%Y%m%d}/us-east-1/s3/aws4_request",
            "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}",
        }
        conditions = [
            ["starts-with", "$key", prefix],
            ["content-length-range", 0, largest],
            *({name: value} for name, value in fields.items() if name != "key"),
        ]
        policy = base64.b64encode(
            json.dumps({"expiration": expires, "conditions": conditions}).encode()
        ).decode()
        fields["policy"] = policy
        fields["x-amz-signature"] = sign(self.secret, fields["x-amz-credential"], policy)
        return {"url": f"{self.url}/incoming", "fields": fields}


def sign(secret: str, credential: str, policy: str) -> str:
    """Return the signature of a policy (AWS, Signature Version 4)."""
    key = f"AWS4{secret}".encode()
    for part in credential.split("/")[1:]:
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, policy.encode(), "sha256").hex()


class _FormHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FormServer

    def do_POST(self) -> None:
        body = read_body(self)
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = list(message_from_bytes(head + body, policy=HTTP).iter_parts())
        fields = {part.get_param("name", header="content-disposition"): part for part in parts}
        values = {name: part.get_payload(decode=True) for name, part in fields.items()}
        data = values.pop("file")
        texts = {name: value.decode() for name, value in values.items()}
        problem = self._problem(texts, data)
        if problem:
            self._answer(403, f"<Error><Code>{problem}</Code></Error>".encode(), "")
            return
        path = self.server.root / "incoming" / texts["key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self._answer(204, b"", hashlib.md5(data).hexdigest())

    def do_GET(self) -> None:
        path = self.server.root / unquote(self.path).lstrip("/")
        if path.is_file():
            self._answer(200, path.read_bytes(), "")
        else:
            self._answer(404, b"", "")

    do_HEAD = do_GET  # noqa: N815

    def _problem(self, fields: dict[str, str], data: bytes) -> str | None:
        policy = fields.pop("policy")
        signature = fields.pop("x-amz-signature")
        if signature != sign(self.server.secret, fields["x-amz-credential"], policy):
            return "SignatureDoesNotMatch"
        document = json.loads(base64.b64decode(policy))
        if datetime.fromisoformat(document["expiration"]) < datetime.now(UTC):
            return "AccessDenied"
        left = dict(fields)
        for condition in document["conditions"]:
            match condition:
                case ["starts-with", name, start]:
                    fits = left.pop(name.removeprefix("$"), "").startswith(start)
                case ["content-length-range", least, most]:
                    fits = least <= len(data) <= most
                case dict():
                    fits = all(left.pop(name, None) == value for name, value in condition.items())
            if not fits:
                return "AccessDenied"
        return "AccessDenied" if left else None  # a field that no condition speaks of

    def _answer(self, status: int, body: bytes, md5: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if md5:
            self.send_header("ETag", f'"{md5}"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def gateway(endpoint: str, rights: Mapping[str, str]) -> Iterator[Gateway]:
    """Run a gateway."""
    server = Gateway(endpoint, rights)
    with running(server):
        yield server


@contextmanager
def form_server(root: Path, secret: str = "BROKERSECRET") -> Iterator[FormServer]:
    """Run a server that takes forms."""
    server = FormServer(root, secret)
    with running(server):
        yield server
