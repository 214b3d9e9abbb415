"""What a remote promises, tried with each kind of remote; then what is special to some."""

import hashlib
import importlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from tests.faults import (
    Always,
    Content,
    Drop,
    Endless,
    FaultServer,
    First,
    Gzip,
    Headers,
    IgnoreRange,
    NoLength,
    Redirect,
    RequireBasic,
    RequireDigest,
    RequireHeader,
    Stall,
    Status,
    Truncated,
)
from tests.servers import (
    Certificates,
    S3Server,
    find_rclone,
    http_server,
    isolated_environment,
    make_certificates,
    s3_server,
    webdav_server,
)

from neurogister.backends.digestauth import DigestAuth
from neurogister.backends.dvcconfig import read_config
from neurogister.backends.dvcremote import DVCRemote
from neurogister.backends.httpclient import HTTPClient, Timeouts
from neurogister.backends.obstores import explain
from neurogister.backends.remotebase import Faults
from neurogister.backends.remotes import Remote, open_remote
from neurogister.backends.tls import Trust
from neurogister.errors import (
    CredentialsError,
    IntegrityError,
    InvalidFileError,
    MissingExtraError,
    NetworkError,
    NotFoundError,
    OnTapeError,
    RefusedError,
)
from neurogister.model.remote import RemoteConfig

KEY = "files/md5/ab/cdef0123456789abcdef0123456789.dir"
ABSENT = "files/md5/ff/ffffffffffffffffffffffffffffff"
DATA = bytes(range(256)) * 5000  # more than one chunk
SMALL = b"a small object"
SECRET = "sw0rdfish"


def config(url: object, **options: Any) -> RemoteConfig:
    return RemoteConfig("lab", str(url), options, origin=".dvc/config")


def options_of(server: Any) -> dict[str, Any]:
    """The options of a test server, as `read_config` would give them."""
    options = dict(server.dvc_options)
    if "allow_anonymous_login" in options:
        options["allow_anonymous_login"] = True
    return options


def put(folder: Path, data: bytes = SMALL, key: str = KEY) -> bytes:
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return data


def need(module: str) -> None:
    """Skip without a package on a laptop; fail in CI."""
    if not os.environ.get("CI"):
        pytest.importorskip(module)
    importlib.import_module(module)


def read_all(remote: Remote, key: str = KEY, start: int = 0) -> tuple[int, bytes]:
    with remote.open(key, start=start) as stream:
        chunks = [bytes(chunk) for chunk in stream]
        assert all(0 < len(chunk) <= 1 << 20 for chunk in chunks)
        return stream.start, b"".join(chunks)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's keys, settings or proxies; and no cloud that could be asked by mistake."""
    wanted = isolated_environment(tmp_path / "home") | {
        "AWS_METADATA_ENDPOINT": "http://127.0.0.1:9",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9",
        "GCE_METADATA_HOST": "127.0.0.1:9",
        "AZURE_MSI_ENDPOINT": "http://127.0.0.1:9",
    }
    for name in set(os.environ) - set(wanted):
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultServer]:
    """An HTTP server that goes wrong as it is told; its files are in ``tmp_path / 'served'``."""
    with FaultServer(tmp_path / "served") as server:
        put(server.root)
        put(server.root / "bucket")
        yield server


@pytest.fixture
def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass(frozen=True)
class Answer:
    """A fault: an answer with a text and headers, whatever was asked for."""

    status: int
    text: str
    headers: dict[str, str]

    def __init__(self, status: int, text: str = "", **headers: str) -> None:
        for name, value in (("status", status), ("text", text), ("headers", headers)):
            object.__setattr__(self, name, value)

    def apply(self, request: Any, response: Any) -> None:
        response.answer(self.status, self.text, **self.headers)


# What a remote promises


@dataclass(frozen=True)
class Kind:
    """A remote of some kind: where its objects lie, and how it would be if things were wrong."""

    config: RemoteConfig
    folder: Path
    wrong: dict[str, Any] | None = None
    elsewhere: Callable[[int], dict[str, Any]] | None = None
    through_dvc: bool = False

    def open(self, **options: Any) -> Remote:
        return self.open_at(self.config, **options)

    def open_at(self, place: RemoteConfig, *, timeout: float = 5, **options: Any) -> Remote:
        place = replace(place, options={**place.options, **options})
        if self.through_dvc and not {"version_aware", "worktree"} & options.keys():
            return DVCRemote(place, timeout=timeout, jobs=16)
        return open_remote(place, timeout=timeout)


def make_folder(stack: ExitStack, root: Path) -> Kind:
    root.mkdir()
    return Kind(config(root), root)


def make_s3(stack: ExitStack, root: Path) -> Kind:
    server = stack.enter_context(s3_server(root))
    return Kind(
        config("s3://bucket/some/prefix", **options_of(server)),
        server.bucket("bucket") / "some" / "prefix",
        wrong={"secret_access_key": "wrongsecretkey"},
        elsewhere=lambda port: {"endpointurl": f"http://127.0.0.1:{port}"},
    )


def make_s3_anonymous(stack: ExitStack, root: Path) -> Kind:
    server = stack.enter_context(s3_server(root, anonymous=True))
    return Kind(
        config("s3://bucket", **options_of(server)),
        server.bucket("bucket"),
        elsewhere=lambda port: {"endpointurl": f"http://127.0.0.1:{port}"},
    )


def make_http(stack: ExitStack, root: Path) -> Kind:
    server = stack.enter_context(http_server(root))
    return Kind(config(f"{server.url}/a folder/"), root / "a folder")


def make_http_basic(stack: ExitStack, root: Path) -> Kind:
    server = stack.enter_context(http_server(root, user="me", password=SECRET))
    return Kind(config(server.url, **options_of(server)), root, wrong={"password": "wrong"})


def make_webdav(stack: ExitStack, root: Path) -> Kind:
    server = stack.enter_context(webdav_server(root, "me", SECRET))
    return Kind(
        config(f"{server.dvc_url}/prefix", **options_of(server)),
        root / "prefix",
        wrong={"password": "wrong"},
    )


def make_webdav_through_dvc(stack: ExitStack, root: Path) -> Kind:
    need("dvc_webdav")
    return replace(make_webdav(stack, root), through_dvc=True)


def make_ssh_through_dvc(stack: ExitStack, root: Path) -> Kind:
    need("dvc_ssh")
    port = stack.enter_context(sftp_server(root, "me", SECRET))
    return Kind(
        config(f"ssh://127.0.0.1:{port}/prefix", user="me", password=SECRET),
        root / "prefix",
        wrong={"password": "wrong"},
    )


@contextmanager
def sftp_server(root: Path, user: str, password: str) -> Iterator[int]:
    """Serve a folder by ssh; gives the port."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    command = [find_rclone(), "serve", "sftp", str(root), "--addr", f"127.0.0.1:{port}"]
    command += ["--user", user, "--pass", password, "--config=", "--dir-cache-time=0s"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


KINDS = {
    "folder": make_folder,
    "s3": make_s3,
    "s3-anonymous": make_s3_anonymous,
    "http": make_http,
    "http-basic": make_http_basic,
    "webdav": make_webdav,
    "webdav-dvc": make_webdav_through_dvc,
    "ssh-dvc": make_ssh_through_dvc,
}


@pytest.fixture(scope="module", params=KINDS)
def kind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kind]:
    with ExitStack() as stack:
        made = KINDS[request.param](stack, tmp_path_factory.mktemp("remote") / "root")
        put(made.folder)
        put(made.folder, DATA, KEY.replace("ab", "ac"))
        put(made.folder, b"", KEY.replace("ab", "ad"))
        put(made.folder, SMALL, "ab/cdef")
        yield made


LARGE = KEY.replace("ab", "ac")
EMPTY = KEY.replace("ab", "ad")


class TestEveryRemote:
    def test_reads_an_object(self, kind):
        remote = kind.open()

        assert bytes(remote.read(KEY, limit=len(SMALL))) == SMALL
        assert bytes(remote.read(KEY, limit=len(SMALL), careful=True)) == SMALL
        assert bytes(remote.read("ab/cdef", limit=1 << 20)) == SMALL
        assert len(remote.read(EMPTY, limit=0)) == 0
        assert len(remote.read(EMPTY, limit=0, careful=True)) == 0

    def test_reads_from_many_threads(self, kind):
        remote = kind.open()

        with ThreadPoolExecutor(16) as pool:
            found = pool.map(lambda n: remote.read(KEY, limit=99, careful=n % 2 == 0), range(64))

            assert {bytes(data) for data in found} == {SMALL}

    @pytest.mark.parametrize("careful", [False, True])
    def test_does_not_read_more_than_the_limit(self, kind, careful):
        with pytest.raises(IntegrityError, match="at most 13") as caught:
            kind.open().read(KEY, limit=len(SMALL) - 1, careful=careful)

        assert KEY in caught.value.message
        assert "'lab'" in caught.value.message

    @pytest.mark.parametrize("careful", [False, True])
    def test_says_that_an_object_is_absent(self, kind, careful):
        with pytest.raises(NotFoundError, match=f"does not hold {ABSENT}"):
            kind.open().read(ABSENT, limit=99, careful=careful)

    def test_says_so_too_before_a_stream(self, kind):
        with pytest.raises(NotFoundError, match=ABSENT):
            read_all(kind.open(), ABSENT)
        with pytest.raises(NotFoundError, match=ABSENT):
            kind.open().size(ABSENT)

    def test_streams_an_object(self, kind):
        remote = kind.open()

        with remote.open(LARGE) as stream:
            assert (stream.start, stream.size) == (0, len(DATA))
        assert read_all(remote, LARGE) == (0, DATA)
        assert read_all(remote, EMPTY) == (0, b"")

    def test_streams_from_an_offset(self, kind):
        remote = kind.open()
        start = len(DATA) - 300_001

        with remote.open(LARGE, start=start) as stream:
            assert (stream.start, stream.size) == (start, len(DATA))
        assert read_all(remote, LARGE, start) == (start, DATA[start:])

    def test_streams_nothing_more_from_the_end(self, kind):
        start, data = read_all(kind.open(), LARGE, len(DATA))

        assert (start, data) in [(len(DATA), b""), (0, DATA)]

    def test_streams_all_again_if_the_object_is_shorter(self, kind):
        assert read_all(kind.open(), KEY, 1000) == (0, SMALL)

    def test_tells_the_size(self, kind):
        assert kind.open().size(LARGE) == len(DATA)
        assert kind.open().size(EMPTY) == 0

    @pytest.mark.parametrize("careful", [False, True])
    def test_says_that_credentials_are_wrong(self, kind, careful):
        if kind.wrong is None:
            pytest.skip("it has no credentials")
        remote = kind.open(**kind.wrong)

        with pytest.raises(CredentialsError, match=KEY) as caught:
            remote.read(KEY, limit=99, careful=careful)
        assert "dvc remote modify --local lab" in str(caught.value.hint)
        assert SECRET not in f"{caught.value.message} {caught.value.hint}"
        with pytest.raises(CredentialsError):
            read_all(remote)
        with pytest.raises(CredentialsError):
            remote.size(KEY)

    @pytest.mark.parametrize("careful", [False, True])
    def test_says_that_nobody_answers(self, kind, free_port, careful, tmp_path):
        remote = kind.open_at(_elsewhere(kind, free_port, tmp_path), timeout=1)

        with pytest.raises(NetworkError, match="'lab'") as caught:
            remote.read(KEY, limit=99, careful=careful)
        assert caught.value.temporary == (remote.address.find("://") > 0)
        with pytest.raises(NetworkError):
            read_all(remote)
        with pytest.raises(NetworkError):
            remote.size(KEY)

    def test_says_how_many_at_once(self, kind):
        assert 1 <= kind.open().preferred_jobs <= 16
        assert kind.open(jobs=3).preferred_jobs == 3
        kind.open().prefetch([KEY])

    def test_shows_no_secrets(self, kind):
        remote = kind.open()

        assert remote.name == "lab"
        assert SECRET not in remote.address
        assert SECRET not in repr(kind.config)

    def test_leaves_plain_files_to_dvc(self, kind):
        for option in ("version_aware", "worktree"):
            with pytest.raises(RefusedError, match=option) as caught:
                kind.open(**{option: True})
            assert "dvc pull" in str(caught.value.hint)


def _elsewhere(kind: Kind, port: int, tmp_path: Path) -> RemoteConfig:
    """The same remote where nothing is."""
    if kind.elsewhere is not None:
        options = {**kind.config.options, **kind.elsewhere(port)}
        return replace(kind.config, options=options)
    if not kind.config.scheme:
        return replace(kind.config, url=str(tmp_path / "nothing here"))
    return replace(kind.config, url=f"{kind.config.scheme}://127.0.0.1:{port}/x")


# Folders


posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


class TestFolder:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        put(tmp_path / "store")
        return tmp_path / "store"

    @posix
    @pytest.mark.parametrize("what", ["pipe", "link", "folder"])
    def test_only_files_are_read(self, folder, what, tmp_path):
        path = folder / ABSENT
        path.parent.mkdir(parents=True)
        {
            "pipe": lambda: os.mkfifo(path),
            "link": lambda: path.symlink_to(folder / KEY),
            "folder": path.mkdir,
        }[what]()
        remote = open_remote(config(folder))

        for attempt in (lambda: remote.read(ABSENT, limit=99), lambda: remote.open(ABSENT)):
            with pytest.raises(IntegrityError, match=r"symbolic link|a pipe|a folder"):
                attempt()
        with pytest.raises(IntegrityError):
            remote.size(ABSENT)

    @posix
    def test_no_link_leads_out_of_the_remote(self, folder, tmp_path):
        put(tmp_path, key="outside/ff")
        (folder / "files" / "md5" / "ff").symlink_to(tmp_path / "outside")

        with pytest.raises(IntegrityError, match="symbolic link"):
            open_remote(config(folder)).read("files/md5/ff/ff", limit=99)

    @posix
    def test_a_link_to_the_remote_is_fine_if_the_user_made_it(self, folder, tmp_path):
        (tmp_path / "link").symlink_to(folder)

        assert open_remote(config(tmp_path / "link")).read(KEY, limit=99) == SMALL

    @posix
    def test_no_committed_link_leads_out_of_the_registry(self, folder, tmp_path):
        registry = tmp_path / "registry"
        registry.mkdir()
        (registry / "remote").symlink_to(folder)
        found = read_config(b"['remote \"lab\"']\nurl = ../remote\n", root=registry)

        with pytest.raises(IntegrityError, match="symbolic link"):
            open_remote(found.remote("lab")).read(KEY, limit=99)

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read anything")
    def test_what_we_may_not_read(self, folder):
        (folder / KEY).chmod(0)

        with pytest.raises(CredentialsError, match="may not read"):
            open_remote(config(folder)).read(KEY, limit=99)

    def test_a_folder_that_is_not_mounted(self, folder, tmp_path):
        remote = open_remote(config(folder))
        assert remote.read(KEY, limit=99) == SMALL
        folder.rename(tmp_path / "gone")

        with pytest.raises(NetworkError, match="not mounted") as caught:
            remote.read(KEY, limit=99)
        assert not caught.value.temporary

    def test_a_folder_in_a_registry_that_is_not_checked_out(self):
        found = read_config(b"['remote \"lab\"']\nurl = ../remote\n", root=None)

        with pytest.raises(RefusedError, match="no checkout"):
            open_remote(found.remote("lab"))


# What servers do wrong


@dataclass(frozen=True)
class Web:
    """A remote at the server of faults, as plain HTTP or as S3."""

    server: FaultServer
    kind: str

    def open(self, *, timeout: float = 1, **options: Any) -> Remote:
        if self.kind == "http":
            return open_remote(config(self.server.url, **options), timeout=timeout)
        keys = {"access_key_id": "TESTACCESSKEY", "secret_access_key": SECRET}
        s3 = {"endpointurl": self.server.url, **keys, **options}
        return open_remote(config("s3://bucket", **s3), timeout=timeout)


@pytest.fixture(params=["http", "s3"])
def web(request: pytest.FixtureRequest, server: FaultServer) -> Web:
    return Web(server, request.param)


class TestFaults:
    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
    def test_statuses_that_pass(self, web, status):
        web.server.rules.append(Status(status, retry_after=7))

        with pytest.raises(NetworkError, match=f"status {status}") as fast:
            web.open().read(KEY, limit=99)
        assert fast.value.temporary
        assert len(web.server.requests) == 1
        for attempt in (
            lambda: web.open().read(KEY, limit=99, careful=True),
            lambda: web.open().open(KEY),
            lambda: web.open().size(KEY),
        ):
            with pytest.raises(NetworkError, match=f"status {status}") as caught:
                attempt()
            assert caught.value.temporary
            assert caught.value.retry_after == 7

    @pytest.mark.parametrize("status", [400, 402, 406, 418, 451])
    def test_statuses_that_stay(self, web, status):
        web.server.rules.append(Status(status))

        for careful in (False, True):
            with pytest.raises(NetworkError, match=f"status {status}") as caught:
                web.open().read(KEY, limit=99, careful=careful)
            assert not caught.value.temporary

    @pytest.mark.parametrize("status", [401, 403])
    def test_no_credentials(self, web, status):
        web.server.rules.append(Status(status))

        for careful in (False, True):
            with pytest.raises(CredentialsError, match=f"status {status}"):
                web.open().read(KEY, limit=99, careful=careful)

    @pytest.mark.parametrize("status", [404, 410])
    def test_gone(self, web, status):
        web.server.rules.append(Status(status))

        for careful in (False, True):
            with pytest.raises(NotFoundError):
                web.open().read(KEY, limit=99, careful=careful)

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [("3", 3), ("0", 0), ("100000", 120), ("-5", None), ("soon", None), ("1.5", 1.5)],
    )
    def test_how_long_to_wait(self, server, header, seconds):
        server.rules.append(Status(503, retry_after=header))

        with pytest.raises(NetworkError) as caught:
            open_remote(config(server.url)).open(KEY)
        assert caught.value.retry_after == seconds

    def test_until_when_to_wait(self, server):
        server.rules.append(Status(503, retry_after=formatdate(time.time() + 60, usegmt=True)))

        with pytest.raises(NetworkError) as caught:
            open_remote(config(server.url)).open(KEY)
        assert caught.value.retry_after == pytest.approx(60, abs=5)

    @pytest.mark.parametrize("careful", [False, True])
    @pytest.mark.parametrize("after", [None, 4])
    def test_a_stall(self, web, careful, after):
        web.server.rules.append(Stall(20, after=after))
        if after:
            put(web.server.root, bytes(200_000))
            put(web.server.root / "bucket", bytes(200_000))
            web.server.rules[0] = Stall(20, after=1 << 16)
        started = time.monotonic()

        with pytest.raises(NetworkError, match="came for") as caught:
            web.open(timeout=0.5).read(KEY, limit=1 << 20, careful=careful)
        assert caught.value.temporary
        assert time.monotonic() - started < 5

    def test_a_slow_server_is_no_stall(self, web):
        web.server.rules.append(Stall(0.4, after=0))
        web.server.rules.append(Stall(0.4))

        assert bytes(web.open(timeout=0.7).read(KEY, limit=99)) == SMALL
        assert bytes(web.open(timeout=0.7).read(KEY, limit=99, careful=True)) == SMALL

    def test_the_options_say_how_long_to_wait(self, server):
        server.rules.append(Stall(20))

        with pytest.raises(NetworkError, match=r"0\.3 seconds"):
            open_remote(config(server.url, read_timeout=0.3)).open(KEY)

    @pytest.mark.parametrize("careful", [False, True])
    @pytest.mark.parametrize(
        "fault", [Drop(), Drop(reset=True), Truncated(4), Truncated(4, reset=True)]
    )
    def test_a_broken_connection(self, web, fault, careful):
        web.server.rules.append(fault)

        with pytest.raises(NetworkError, match="broke") as caught:
            web.open().read(KEY, limit=99, careful=careful)
        assert caught.value.temporary
        assert len(web.server.requests) == 1

    def test_a_stream_that_breaks_gives_what_came(self, web):
        put(web.server.root, bytes(3 << 20))
        put(web.server.root / "bucket", bytes(3 << 20))
        web.server.rules.append(Truncated(2 << 20))
        came = 0

        with web.open().open(KEY) as stream, pytest.raises(NetworkError, match="broke"):
            for chunk in stream:
                came += len(chunk)
        assert came >= 1 << 20

    def test_an_idle_connection_that_was_closed_is_made_anew(self, web):
        remote = web.open()
        for _ in range(3):
            assert bytes(remote.read(KEY, limit=99, careful=True)) == SMALL
        assert web.server.connections == 1
        web.server.rules.append(First(1, Headers(Connection="close")))

        for _ in range(3):
            assert bytes(remote.read(KEY, limit=99, careful=True)) == SMALL

    @pytest.mark.parametrize("careful", [False, True])
    def test_packed_bytes(self, web, careful):
        web.server.rules.append(Gzip(bomb=4 << 20))

        with pytest.raises(IntegrityError, match="'gzip'"):
            web.open().read(KEY, limit=1 << 20, careful=careful)
        with pytest.raises(IntegrityError, match="'gzip'"):
            web.open().open(KEY)

    def test_a_left_over_of_the_upload_is_no_encoding(self, web):
        web.server.rules.append(Headers(Content_Encoding="aws-chunked"))

        for careful in (False, True):
            assert bytes(web.open().read(KEY, limit=99, careful=careful)) == SMALL

    @pytest.mark.parametrize("chunked", [False, True])
    def test_an_endless_body(self, web, chunked):
        web.server.rules.append(Endless(chunked=chunked))

        for careful in (False, True):
            with pytest.raises(IntegrityError, match="at most"):
                web.open().read(KEY, limit=1 << 20, careful=careful)

    @pytest.mark.parametrize("chunked", [False, True])
    def test_an_unknown_length(self, web, chunked):
        web.server.rules.append(NoLength(chunked=chunked))

        assert bytes(web.open().read(KEY, limit=99)) == SMALL
        with web.open().open(KEY) as stream:
            assert stream.size is None
            assert b"".join(stream) == SMALL
        assert web.open().size(KEY) is None

    def test_a_range_with_status_200(self, web):
        web.server.rules.append(Answer(200, "object", content_range="bytes 8-13/14"))

        with web.open().open(KEY, start=8) as stream:
            assert (stream.start, stream.size) == (8, 14)
            assert b"".join(stream) == SMALL[8:]

    def test_a_server_that_knows_no_ranges(self, web):
        web.server.rules.append(IgnoreRange())

        assert read_all(web.open(), start=5) == (0, SMALL)

    def test_another_range_than_asked_for(self, web):
        web.server.rules.append(Answer(206, "object", content_range="bytes 8-13/14"))

        with pytest.raises(NetworkError, match="another part"):
            web.open().open(KEY, start=5)

    def test_a_part_without_saying_which(self, web):
        web.server.rules.append(Answer(206, "object"))

        with pytest.raises(NetworkError, match="another part"):
            web.open().open(KEY, start=5)

    def test_a_name_that_dns_does_not_know(self):
        from obstore.exceptions import GenericError
        from urllib3.exceptions import NameResolutionError

        # Said to be so, as a test must not ask DNS.
        faults = Faults("lab", "http://x", "")
        client = HTTPClient(faults, trust=Trust(), timeouts=Timeouts(1, 1))
        error = NameResolutionError("x", None, socket.gaierror(-2, "Name or service not known"))
        fast = explain(GenericError('error: ConnectError("dns error", Custom {'), KEY, faults)

        for found in (client.failure(error, KEY), fast):
            assert isinstance(found, NetworkError)
            assert found.temporary
            assert "DNS" in found.message


# HTTP


class TestWeb:
    def test_a_redirect_is_followed(self, server, tmp_path):
        with FaultServer(server.root) as other:
            server.rules.append(Redirect(other.url))
            remote = open_remote(config(server.url))

            for careful in (False, True):
                assert bytes(remote.read(KEY, limit=99, careful=careful)) == SMALL
            assert read_all(remote, start=3) == (3, SMALL[3:])
            assert remote.size(KEY) == len(SMALL)

    @pytest.mark.parametrize(
        "options",
        [
            {"auth": "basic", "user": "me", "password": SECRET},
            {"auth": "custom", "custom_auth_header": "X-Token", "password": SECRET},
            {"auth": "digest", "user": "me", "password": SECRET},
        ],
        ids=lambda options: options["auth"],
    )
    def test_a_redirect_takes_no_credentials_along(self, server, options):
        with FaultServer(server.root) as other:
            login = RequireDigest("me", SECRET) if options["auth"] == "digest" else None
            server.rules += [login] if login else []
            server.rules.append(Redirect(other.url))
            remote = open_remote(config(server.url, **options))

            for careful in (False, True):
                assert bytes(remote.read(KEY, limit=99, careful=careful)) == SMALL
            read_all(remote)
            remote.size(KEY)

            sent = [str(request.headers) for request in server.requests]
            assert any("authorization" in text.lower() or SECRET in text for text in sent)
            for request in other.requests:
                assert request.headers["Authorization"] is None
                assert SECRET not in str(request.headers)
                assert "dXNlcg" not in str(request.headers)

    def test_a_redirect_and_back_gives_no_credentials(self, server):
        with FaultServer(server.root, [Redirect(server.url)]) as other:
            server.rules.append(First(1, Redirect(other.url)))
            server.rules.append(RequireBasic("me", SECRET))
            remote = open_remote(config(server.url, user="me", password=SECRET))

            with pytest.raises(CredentialsError):
                remote.read(KEY, limit=99, careful=True)

    def test_redirects_in_a_ring(self, server):
        server.rules.append(Redirect(server.url))

        for careful in (False, True):
            with pytest.raises(NetworkError, match="redirect") as caught:
                open_remote(config(server.url)).read(KEY, limit=99, careful=careful)
            assert not caught.value.temporary

    @pytest.mark.parametrize(
        "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://[", "http://127.0.0.1:x/"]
    )
    def test_a_redirect_out_of_http(self, server, target):
        server.rules.append(Redirect(target, keep_path=False))

        for careful in (False, True):
            with pytest.raises(NetworkError, match="redirect") as caught:
                open_remote(config(server.url)).read(KEY, limit=99, careful=careful)
            assert not caught.value.temporary

    def test_no_redirect_from_https_to_http(self, server, certificates):
        with FaultServer(server.root, [Redirect(server.url)], tls=certificates) as secure:
            remote = open_remote(config(secure.url, ssl_verify=str(certificates.ca)))

            for careful in (False, True):
                with pytest.raises(NetworkError, match="https"):
                    remote.read(KEY, limit=99, careful=careful)
            assert server.requests == []

    def test_a_digest(self, server):
        server.rules.append(RequireDigest("me", SECRET))
        remote = open_remote(config(server.url, auth="digest", user="me", password=SECRET))

        assert bytes(remote.read(KEY, limit=99)) == SMALL
        assert read_all(remote, start=3) == (3, SMALL[3:])
        assert remote.size(KEY) == len(SMALL)
        assert [request.status for request in server.requests] == [401, 200, 206, 200]
        assert SECRET not in "".join(str(request.headers) for request in server.requests)

    @pytest.mark.parametrize(
        ("algorithm", "response"),
        [
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ],
    )
    def test_a_digest_as_in_rfc_7616(self, monkeypatch, algorithm, response):
        cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
        monkeypatch.setattr("secrets.token_hex", lambda _: cnonce)
        challenge = (
            'realm="http-auth@example.org", qop="auth, auth-int", algorithm={},'
            ' nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",'
            ' opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
        )
        auth = DigestAuth("Mufasa", "Circle of Life")

        assert auth.header("GET", "/dir/index.html") == {}
        assert not auth.challenge(['Basic realm="x"', f"Digest {challenge.format('SHA-1')}"])
        offered = [f"Basic realm=x, Digest {challenge.format(algorithm)}"]
        assert auth.challenge([*offered, f"Digest {challenge.format('MD5')}"])
        sent = auth.header("GET", "/dir/index.html")["Authorization"]
        assert f'response="{response}"' in sent
        assert "nc=00000001" in sent
        assert 'username="Mufasa"' in sent

    def test_a_new_nonce(self, server):
        server.rules.append(RequireDigest("me", SECRET))
        remote = open_remote(config(server.url, auth="digest", user="me", password=SECRET))
        remote.read(KEY, limit=99)
        server.reset(RequireDigest("me", SECRET))

        assert bytes(remote.read(KEY, limit=99)) == SMALL

    def test_a_wrong_digest(self, server):
        server.rules.append(RequireDigest("me", SECRET))
        remote = open_remote(config(server.url, auth="digest", user="me", password="wrong"))

        with pytest.raises(CredentialsError, match="401"):
            remote.read(KEY, limit=99)

    def test_a_custom_header(self, server):
        server.rules.append(RequireHeader("X-Token", SECRET))
        options = {"auth": "custom", "custom_auth_header": "X-Token", "password": SECRET}
        remote = open_remote(config(server.url, **options))

        assert bytes(remote.read(KEY, limit=99)) == SMALL
        assert read_all(remote) == (0, SMALL)

    @pytest.mark.parametrize(
        "options",
        [
            {"auth": "custom", "custom_auth_header": "X-Token"},
            {"auth": "custom", "password": SECRET},
            {"auth": "custom", "custom_auth_header": "X: y", "password": SECRET},
            {"auth": "custom", "custom_auth_header": "X", "password": "a\r\nb: c"},
            {"auth": "basic"},
            {"auth": "digest", "user": "me"},
            {"user": "me", "ask_password": True},
        ],
    )
    def test_half_a_login(self, server, options):
        with pytest.raises(CredentialsError, match="needs"):
            open_remote(config(server.url, **options))

    def test_a_login_that_there_is_not(self, server):
        with pytest.raises(InvalidFileError, match="'ntlm'"):
            open_remote(config(server.url, auth="ntlm"))

    def test_a_user_in_the_address(self, server):
        server.rules.append(RequireBasic("me", "p@ss"))
        remote = open_remote(config(server.url.replace("//", "//me:p%40ss@")))

        assert bytes(remote.read(KEY, limit=99)) == SMALL
        assert remote.address == server.url

    def test_a_login_from_netrc(self, server, tmp_path, monkeypatch):
        netrc = tmp_path / "netrc"
        netrc.write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        server.rules.append(RequireBasic("me", SECRET))

        for careful in (False, True):
            remote = open_remote(config(server.url))
            assert bytes(remote.read(KEY, limit=99, careful=careful)) == SMALL

    @pytest.mark.parametrize(
        "text", ["machine other.org login me password x\n", "default login me password x\n", "?"]
    )
    def test_netrc_is_for_the_servers_that_it_names(self, server, tmp_path, monkeypatch, text):
        (tmp_path / "home" / ".netrc").write_text(text)
        remote = open_remote(config(server.url))

        assert bytes(remote.read(KEY, limit=99)) == SMALL
        assert server.requests[0].headers["Authorization"] is None

    def test_a_query_goes_along(self, server):
        remote = open_remote(config(f"{server.url}/?token={SECRET}"))
        put(server.root, SMALL)

        assert bytes(remote.read(KEY, limit=99)) == SMALL
        assert server.requests[0].target == f"/{KEY}?token={SECRET}"
        with pytest.raises(NotFoundError) as caught:
            remote.read(ABSENT, limit=99)
        assert SECRET not in str(caught.value)

    def test_an_odd_folder(self, server):
        put(server.root / "a b+c%20é")
        put(server.root / "a b%20c")

        for url in (f"{server.url}/a b+c%2520é/", f"{server.url}/a%20b+c%2520%c3%a9"):
            remote = open_remote(config(url))
            assert bytes(remote.read(KEY, limit=99)) == SMALL
            assert bytes(remote.read(KEY, limit=99, careful=True)) == SMALL

    def test_a_server_that_knows_no_head(self, server):
        server.rules.append(Always(Status(405), methods="HEAD"))

        assert open_remote(config(server.url)).size(KEY) is None

    def test_a_proxy(self, server, monkeypatch):
        monkeypatch.setenv("http_proxy", server.url.replace("//", f"//me:{SECRET}@"))
        server.rules.append(Content(SMALL))
        remote = open_remote(config("http://data.example.org"))

        for careful in (False, True):
            assert bytes(remote.read(KEY, limit=99, careful=careful)) == SMALL
        for request in server.requests:
            assert request.target == f"http://data.example.org/{KEY}"
            assert request.headers["Proxy-Authorization"]

    def test_a_proxy_that_is_not_there(self, free_port, monkeypatch):
        monkeypatch.setenv("http_proxy", f"http://me:{SECRET}@127.0.0.1:{free_port}")
        remote = open_remote(config("http://data.example.org"))

        for careful in (False, True):
            with pytest.raises(NetworkError, match=r"proxy|no connection") as caught:
                remote.read(KEY, limit=99, careful=careful)
            assert SECRET not in str(caught.value)

    def test_a_proxy_of_another_kind(self, monkeypatch):
        monkeypatch.setenv("http_proxy", "gopher://127.0.0.1:1")

        with pytest.raises(NetworkError, match="proxy is of a kind"):
            open_remote(config("http://data.example.org")).open(KEY)

    def test_no_proxy_for_some(self, server, free_port, monkeypatch):
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")

        for careful in (False, True):
            assert open_remote(config(server.url)).read(KEY, limit=99, careful=careful)

    @pytest.mark.parametrize("url", ["http://", "http://[::1", "https://host:port/x"])
    def test_an_address_that_is_none(self, url):
        with pytest.raises(InvalidFileError, match="no address of a server"):
            open_remote(config(url))

    @pytest.mark.parametrize(
        ("options", "name", "value"),
        [
            ({"token": SECRET}, "Authorization", f"Bearer {SECRET}"),
            ({"custom_auth_header": "X-Token", "password": SECRET}, "X-Token", SECRET),
            ({"user": "me", "password": "x"}, "Authorization", "Basic bWU6eA=="),
        ],
    )
    def test_webdav_with_a_login(self, server, options, name, value):
        server.rules.append(RequireHeader(name, value))
        remote = open_remote(config(server.url.replace("http", "webdav", 1), **options))

        for careful in (False, True):
            assert bytes(remote.read(KEY, limit=99, careful=careful)) == SMALL


class TestTLS:
    @pytest.fixture
    def secure(self, server: FaultServer, certificates: Certificates) -> Iterator[FaultServer]:
        with FaultServer(server.root, tls=certificates) as secure:
            yield secure

    def read(self, remote: Remote) -> None:
        for careful in (False, True):
            assert bytes(remote.read(KEY, limit=99, careful=careful)) == SMALL
        assert read_all(remote) == (0, SMALL)

    def test_a_certificate_that_nobody_knows(self, secure):
        remote = open_remote(config(secure.url))

        for careful in (False, True):
            with pytest.raises(NetworkError, match="not to be trusted") as caught:
                remote.read(KEY, limit=99, careful=careful)
            assert not caught.value.temporary

    def test_an_authority_of_our_own(self, secure, certificates, tmp_path):
        self.read(open_remote(config(secure.url, ssl_verify=str(certificates.ca))))

    def test_no_check_at_all(self, secure):
        self.read(open_remote(config(secure.url, ssl_verify=False)))

    def test_authorities_of_the_system(self, secure, certificates, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))

        self.read(open_remote(config(secure.url, ssl_verify=True)))

    def test_s3_by_https(self, secure, certificates, monkeypatch):
        options = {"endpointurl": secure.url, "allow_anonymous_login": True}

        self.read(open_remote(config("s3://bucket", **options, ssl_verify=str(certificates.ca))))
        self.read(open_remote(config("s3://bucket", **options, ssl_verify=False)))
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates.ca))
        self.read(open_remote(config("s3://bucket", **options)))

    @pytest.mark.parametrize("careful", [False, True])
    def test_a_file_of_authorities_that_is_none(self, secure, careful, tmp_path):
        (tmp_path / "ca.pem").write_text("no certificate\n")

        with pytest.raises(InvalidFileError, match="cannot be used"):
            remote = open_remote(config(secure.url, ssl_verify=str(tmp_path / "ca.pem")))
            remote.read(KEY, limit=99, careful=careful)
        with pytest.raises(NotFoundError, match="is not there"):
            remote = open_remote(config(secure.url, ssl_verify=str(tmp_path / "other.pem")))
            remote.read(KEY, limit=99, careful=careful)

    def test_https_where_there_is_only_http(self, server):
        remote = open_remote(config(server.url.replace("http", "https")), timeout=2)

        for careful in (False, True):
            with pytest.raises(NetworkError, match="TLS") as caught:
                remote.read(KEY, limit=99, careful=careful)
            assert not caught.value.temporary


# S3


CREDENTIALS = """\
[default]
aws_access_key_id = {key}
aws_secret_access_key = {secret}

[lab]
aws_access_key_id = {key}
aws_secret_access_key = {secret}
aws_session_token =
"""


ASSUMED_ROLE = """\
<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASSUMEDKEY</AccessKeyId>
<SecretAccessKey>assumed</SecretAccessKey><SessionToken>assumed/token</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>
"""


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3") / "root") as server:
        put(server.bucket("bucket"))
        yield server


class TestS3:
    def read(self, remote: Remote) -> None:
        for careful in (False, True):
            assert bytes(remote.read(KEY, limit=99, careful=careful)) == SMALL
        assert read_all(remote) == (0, SMALL)

    def options(self, s3: S3Server) -> dict[str, Any]:
        return {"endpointurl": s3.endpoint}

    def write_credentials(self, s3: S3Server, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CREDENTIALS.format(key=s3.access_key, secret=s3.secret_key))
        return path

    def test_keys_from_the_environment(self, s3, monkeypatch):
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)

        self.read(open_remote(config("s3://bucket")))

    def test_options_count_more_than_the_environment(self, s3, monkeypatch, free_port):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHERACCESSKEY")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "othersecretkey")
        monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
        monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port}")
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port}")
        monkeypatch.setenv("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true")

        self.read(open_remote(config("s3://bucket", **options_of(s3))))

    @pytest.mark.parametrize("how", ["default", "option", "variable", "file", "variable file"])
    def test_keys_from_a_profile(self, s3, how, tmp_path, monkeypatch):
        place = tmp_path / "home" / ".aws" / "credentials"
        place = tmp_path / "elsewhere" if "file" in how else place
        self.write_credentials(s3, place)
        options = self.options(s3)
        if how == "option":
            options["profile"] = "lab"
        if how == "variable":
            monkeypatch.setenv("AWS_PROFILE", "lab")
        if how == "file":
            options["credentialpath"] = str(place)
        if how == "variable file":
            monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(place))

        self.read(open_remote(config("s3://bucket", **options)))

    def test_a_profile_that_is_named_counts_more_than_the_environment(
        self, s3, tmp_path, monkeypatch
    ):
        self.write_credentials(s3, tmp_path / "home" / ".aws" / "credentials")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHERACCESSKEY")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "othersecretkey")

        self.read(open_remote(config("s3://bucket", profile="lab", **self.options(s3))))

    def test_settings_from_a_profile(self, s3, tmp_path):
        settings = tmp_path / "settings"
        settings.write_text(
            "[profile lab]\nregion = eu-test-1\nservices = here\n"
            f"aws_access_key_id = {s3.access_key}\naws_secret_access_key = {s3.secret_key}\n"
            f"[services here]\ns3 =\n  endpoint_url = {s3.endpoint}\n"
        )

        self.read(open_remote(config("s3://bucket", profile="lab", configpath=str(settings))))

    @posix
    def test_keys_from_a_program(self, s3, tmp_path):
        need("botocore")
        keys = {"AccessKeyId": s3.access_key, "SecretAccessKey": s3.secret_key, "Version": 1}
        (tmp_path / "keys.json").write_text(json.dumps(keys))
        settings = tmp_path / "settings"
        settings.write_text(f"[profile lab]\ncredential_process = cat {tmp_path}/keys.json\n")
        options = {"profile": "lab", "configpath": str(settings), **self.options(s3)}

        self.read(open_remote(config("s3://bucket", **options)))
        (tmp_path / "keys.json").unlink()
        with pytest.raises(CredentialsError, match="gives no keys"):
            open_remote(config("s3://bucket", **options)).read(KEY, limit=99)

    def test_a_profile_that_there_is_not(self, s3, monkeypatch):
        with pytest.raises(CredentialsError, match="'nobody'"):
            open_remote(config("s3://bucket", profile="nobody"))
        monkeypatch.setenv("AWS_PROFILE", "nobody")
        with pytest.raises(CredentialsError, match="'nobody'"):
            open_remote(config("s3://bucket"))

    def test_half_a_key(self, monkeypatch):
        with pytest.raises(CredentialsError, match="no secret access key"):
            open_remote(config("s3://bucket", access_key_id="TESTACCESSKEY"))
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        with pytest.raises(CredentialsError, match="no access key id"):
            open_remote(config("s3://bucket"))

    def test_a_token(self, server):
        keys = {"access_key_id": "A" * 20, "secret_access_key": "b" * 40}
        options = {"endpointurl": server.url, **keys, "session_token": "the/token"}

        self.read(open_remote(config("s3://bucket", **options)))
        fast, careful = server.requests[:2]
        assert fast.headers["x-amz-security-token"] == "the/token"
        assert "X-Amz-Security-Token=the%2Ftoken" in careful.target

    def test_without_keys_nothing_is_signed_and_no_cloud_is_asked(self, server, monkeypatch):
        with FaultServer(server.root) as cloud:
            monkeypatch.setenv("AWS_METADATA_ENDPOINT", cloud.url)
            monkeypatch.delenv("AWS_EC2_METADATA_DISABLED", raising=False)
            remote = open_remote(config("s3://bucket", endpointurl=server.url))

            self.read(remote)
            assert remote.size(KEY) == len(SMALL)
            server.rules.append(Status(403))
            with pytest.raises(CredentialsError) as caught:
                remote.read(KEY, limit=99)

            assert "No credentials were found" in str(caught.value.hint)
            assert cloud.requests == []
            for request in server.requests:
                assert request.headers["Authorization"] is None
                assert request.target == f"/bucket/{KEY}"

    def test_keys_of_a_container(self, s3, server, monkeypatch):
        keys = {
            "AccessKeyId": s3.access_key,
            "SecretAccessKey": s3.secret_key,
            "Token": "",
            "Expiration": "2099-01-01T00:00:00Z",
        }
        (server.root / "keys").write_text(json.dumps(keys))
        (server.root / "token").write_text("the token")
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/keys")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(server.root / "token"))

        self.read(open_remote(config("s3://bucket", **self.options(s3))))
        assert server.requests[0].headers["Authorization"] == "the token"

    def test_keys_for_a_web_identity(self, server, certificates, tmp_path, monkeypatch):
        (tmp_path / "token").write_text("the web token")
        answer = Answer(200, ASSUMED_ROLE)
        options = {"endpointurl": server.url, "ssl_verify": str(certificates.ca)}
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/x")
        with FaultServer(tmp_path / "sts", [answer], tls=certificates) as service:
            monkeypatch.setenv("AWS_STS_ENDPOINT", service.url)
            monkeypatch.setenv("AWS_ENDPOINT_URL_STS", service.url)

            self.read(open_remote(config("s3://bucket", **options)))
            assert server.requests[0].headers["x-amz-security-token"] == "assumed/token"
            assert "Security-Token=assumed%2Ftoken" in server.requests[1].target

            service.reset(Status(403))
            remote = open_remote(config("s3://bucket", **options))
            for careful in (False, True):
                with pytest.raises(CredentialsError, match="web identity") as caught:
                    remote.read(KEY, limit=99, careful=careful)
                assert "the web token" not in str(caught.value)

    @pytest.mark.parametrize(
        "settings",
        ["role_arn = x\nsource_profile = y", "sso_session = x", "credential_process = x"],
    )
    def test_a_profile_that_only_botocore_can_use(self, tmp_path, monkeypatch, settings):
        (tmp_path / "settings").write_text(f"[profile lab]\n{settings}\n")
        monkeypatch.setitem(sys.modules, "botocore", None)
        monkeypatch.setitem(sys.modules, "botocore.session", None)

        with pytest.raises(MissingExtraError, match="'lab'") as caught:
            open_remote(config("s3://bucket", profile="lab", configpath=str(tmp_path / "settings")))
        assert caught.value.hint == "pip install 'neurogister[dvc]'"

    def test_no_bucket(self, s3):
        remote = open_remote(config("s3://no-such-bucket", **options_of(s3)))

        for careful in (False, True):
            with pytest.raises(NotFoundError, match="no such bucket"):
                remote.read(KEY, limit=99, careful=careful)

    @pytest.mark.parametrize("how", ["header", "body"])
    @pytest.mark.parametrize("careful", [False, True])
    def test_another_region(self, server, how, careful):
        server.rules.append(_Region("eu-test-9", in_header=how == "header"))
        options = {"access_key_id": "A" * 20, "secret_access_key": "b" * 40, "region": "us-east-1"}
        remote = open_remote(config("s3://bucket", endpointurl=server.url, **options))

        assert bytes(remote.read(KEY, limit=99, careful=careful)) == SMALL
        server.reset(_Region("eu-test-9", in_header=how == "header"))
        assert bytes(remote.read(KEY, limit=99)) == SMALL
        assert read_all(remote) == (0, SMALL)
        assert [request.status for request in server.requests] == [200, 206]

    @pytest.mark.parametrize(
        ("status", "code", "error", "message"),
        [
            (400, "ExpiredToken", CredentialsError, "ExpiredToken"),
            (403, "RequestTimeTooSkewed", CredentialsError, "clock of this computer"),
            (403, "AccessDenied", CredentialsError, "what it does not hold"),
            (400, "RequestTimeout", NetworkError, "RequestTimeout"),
            (503, "SlowDown", NetworkError, "SlowDown"),
            (403, "InvalidObjectState", OnTapeError, "archived"),
            (404, "NoSuchBucket", NotFoundError, "no such bucket"),
        ],
    )
    def test_what_s3_says(self, server, status, code, error, message):
        server.rules.append(Status(status, body=f"<Error><Code>{code}</Code></Error>"))
        options = {"access_key_id": "A" * 20, "secret_access_key": SECRET}
        remote = open_remote(config("s3://bucket", endpointurl=server.url, **options))

        for careful in (False, True):
            with pytest.raises(error, match=message) as caught:
                remote.read(KEY, limit=99, careful=careful)
            assert SECRET not in str(caught.value)
            assert "X-Amz" not in str(caught.value)
            if isinstance(caught.value, NetworkError):
                assert caught.value.temporary

    def test_a_bucket_that_is_a_host(self, server, tmp_path, monkeypatch):
        settings = tmp_path / "settings"
        settings.write_text("[default]\ns3 =\n    addressing_style = virtual\n")
        monkeypatch.setenv("http_proxy", server.url)  # for no name of ours is known to DNS
        server.rules.append(Content(SMALL))
        options = {"access_key_id": "A" * 20, "secret_access_key": "b" * 40, "use_ssl": False}

        for endpoint in ({"endpointurl": "http://s3.example.org/"}, {"region": "eu-test-1"}):
            places = {"configpath": str(settings), **endpoint}
            self.read(open_remote(config("s3://bucket/a", **options, **places)))
        hosts = {request.target.partition("?")[0] for request in server.requests}
        assert hosts == {
            f"http://bucket.s3.example.org/a/{KEY}",
            f"http://bucket.s3.eu-test-1.amazonaws.com/a/{KEY}",
        }

    def test_a_key_of_our_own_is_for_dvc(self):
        with pytest.raises(RefusedError, match="sse_customer_key") as caught:
            open_remote(config("s3://bucket", sse_customer_key="a2V5"))
        assert "dvc pull" in str(caught.value.hint)

    @pytest.mark.parametrize("url", ["s3://", "s3://bucket//a", "s3://bucket/../b", "s3://a b/c"])
    def test_an_address_that_is_none(self, url):
        with pytest.raises(InvalidFileError, match="s3://BUCKET/FOLDER"):
            open_remote(config(url))

    def test_an_endpoint_that_is_none(self):
        with pytest.raises(InvalidFileError, match="endpoint"):
            open_remote(config("s3://bucket", endpointurl="127.0.0.1:9000"))


@dataclass(frozen=True)
class _Region:
    """Refuses what is signed for another region, as AWS does."""

    region: str
    in_header: bool

    def apply(self, request: Any, response: Any) -> None:
        signed = f"{request.target} {request.headers['Authorization']}"
        if f"%2F{self.region}%2F" in signed or f"/{self.region}/" in signed:
            return
        if self.in_header:
            response.answer(301, x_amz_bucket_region=self.region)
        else:
            code = "<Code>AuthorizationHeaderMalformed</Code>"
            response.answer(400, f"<Error>{code}<Region>{self.region}</Region></Error>")


# Google and Azure


SERVICE_ACCOUNT = {
    "type": "service_account",
    "client_email": "a@example.org",
    "private_key_id": "1",
    "token_uri": "https://oauth2.example.org/token",
}
AZURE = {"account_name": "acct"}


class TestClouds:
    def check(self, server: FaultServer, remote: Remote) -> None:
        put(server.root / "bucket", DATA, LARGE)
        put(server.root / "acct" / "bucket", DATA, LARGE)
        assert bytes(remote.read(LARGE, limit=len(DATA))) == DATA
        assert bytes(remote.read(LARGE, limit=len(DATA), careful=True)) == DATA
        assert read_all(remote, LARGE) == (0, DATA)
        assert read_all(remote, LARGE, 7) == (7, DATA[7:])
        assert read_all(remote, LARGE, len(DATA)) == (len(DATA), b"")
        assert read_all(remote, LARGE, len(DATA) + 1) == (0, DATA)
        assert remote.size(LARGE) == len(DATA)
        with pytest.raises(IntegrityError, match="at most 7"):
            remote.read(LARGE, limit=7)
        with pytest.raises(NotFoundError, match=ABSENT):
            remote.read(ABSENT, limit=7)
        server.rules.append(Status(503))
        with pytest.raises(NetworkError, match="503"):
            remote.read(LARGE, limit=7)

    def test_google_anonymously(self, server):
        options = {"allow_anonymous_login": True, "endpointurl": server.url}

        self.check(server, open_remote(config("gs://bucket", **options)))
        assert {request.headers["Authorization"] for request in server.requests} == {None}

    def test_google_where_the_registry_says_gets_no_token(self, server, tmp_path, monkeypatch):
        key = tmp_path / "key.json"
        account = {"type": "authorized_user", "client_id": "a", "client_secret": "b"}
        key.write_text(json.dumps({**account, "refresh_token": "c"}))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))

        committed = RemoteConfig(
            "lab",
            "gs://bucket",
            {"endpointurl": server.url},
            committed=frozenset({"endpointurl"}),
        )
        assert bytes(open_remote(committed).read(KEY, limit=99)) == SMALL
        assert server.requests[0].headers["Authorization"] is None

    def test_google_in_a_bucket_without_anything(self, server):
        remote = open_remote(config("gs://bucket/x", endpointurl=server.url))
        server.rules.append(Status(401))

        with pytest.raises(CredentialsError) as caught:
            remote.read(KEY, limit=99)
        assert "asked without credentials" in str(caught.value.hint)

    @pytest.mark.parametrize("content", [None, "{", "[]", '{"type": "external_account"}'])
    def test_google_with_credentials_that_are_none(self, tmp_path, content):
        key = tmp_path / "key.json"
        if content is not None:
            key.write_text(content)

        with pytest.raises(CredentialsError, match=r"key\.json"):
            open_remote(config("gs://bucket", credentialpath=str(key)))

    def test_google_with_a_service_account(self, tmp_path):
        from obstore.store import GCSStore

        key = tmp_path / "key.json"
        key.write_text(json.dumps(SERVICE_ACCOUNT | {"private_key": _private_key()}))
        remote = open_remote(config("gs://bucket/a", credentialpath=str(key)))

        assert isinstance(remote._store, GCSStore)

    def test_azure_anonymously(self, server):
        connection = f"AccountName=acct;BlobEndpoint={server.url}/acct"
        options = {"allow_anonymous_login": True, "connection_string": connection}

        self.check(server, open_remote(config("azure://bucket", **options)))
        assert {request.headers["Authorization"] for request in server.requests} == {None}

    @pytest.mark.parametrize("with_key", [True, False])
    def test_azure_with_a_connection_string(self, server, with_key):
        login = "AccountKey=c2VjcmV0" if with_key else f"SharedAccessSignature=sv=1&sig={SECRET}"
        connection = f"AccountName=acct;BlobEndpoint={server.url}/acct;{login}"
        put(server.root / "acct" / "bucket" / "a")
        remote = open_remote(config("azure://bucket/a", connection_string=connection))

        assert bytes(remote.read(KEY, limit=99)) == SMALL
        signed = server.requests[0]
        assert (signed.headers["Authorization"] or "").startswith("SharedKey acct:") == with_key
        assert (f"sig={SECRET}" in signed.target) != with_key
        server.rules.append(Drop())
        with pytest.raises(NetworkError) as caught:
            remote.read(KEY, limit=99)
        assert SECRET not in str(caught.value)

    @pytest.mark.parametrize(
        "options",
        [
            AZURE | {"account_key": "c2VjcmV0"},
            AZURE | {"sas_token": "?sv=1&sig=a"},
            AZURE | {"tenant_id": "a", "client_id": "b", "client_secret": "c"},
            AZURE | {"allow_anonymous_login": True},
            AZURE,
            {"connection_string": "UseDevelopmentStorage=true"},
            {"connection_string": "AccountName=a;AccountKey=c2VjcmV0;EndpointSuffix=example.org"},
        ],
        ids=str,
    )
    def test_azure_can_be_opened(self, options):
        from obstore.store import AzureStore

        assert isinstance(open_remote(config("azure://box/a", **options))._store, AzureStore)

    def test_azure_with_a_host(self):
        url = "azure://box@acct.blob.core.windows.net/a"

        assert open_remote(config(url)).address == url

    def test_azure_without_an_account(self):
        with pytest.raises(CredentialsError, match="no account"):
            open_remote(config("azure://box/a"))
        with pytest.raises(InvalidFileError, match="names no account"):
            open_remote(config("azure://box", connection_string="AccountKey=x"))


def _private_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


# What DVC reads for us


class TestThroughDVC:
    @pytest.fixture(autouse=True)
    def _with_dvc(self) -> None:
        need("dvc_webdav")

    def at(self, server: FaultServer, **options: Any) -> Remote:
        url = server.url.replace("http", "webdav", 1)
        return DVCRemote(config(url, **options), timeout=1, jobs=4)

    @pytest.mark.parametrize(
        ("status", "error"),
        [(401, CredentialsError), (403, CredentialsError), (503, NetworkError)],
    )
    def test_statuses(self, server, status, error):
        server.rules.append(Status(status, retry_after=9))

        with pytest.raises(error, match=str(status)) as caught:
            self.at(server).read(KEY, limit=99)
        assert len(server.requests) == 1
        if status == 503:
            assert caught.value.temporary
            assert caught.value.retry_after == 9

    def test_a_stall(self, server):
        server.rules.append(Stall(20))

        with pytest.raises(NetworkError) as caught:
            self.at(server).read(KEY, limit=99)
        assert caught.value.temporary

    def test_a_program_that_gives_a_token(self, server):
        server.rules.append(RequireHeader("Authorization", f"Bearer {SECRET}"))
        options = {"bearer_token_command": f"echo {SECRET}"}
        url = server.url.replace("http", "webdav", 1)
        remote = open_remote(config(url, **options), timeout=1)

        with pytest.raises(NetworkError, match="405"):  # the test server is no WebDAV server
            remote.read(KEY, limit=99)
        assert server.requests[-1].headers["Authorization"] == f"Bearer {SECRET}"

    def test_nobody_is_asked_for_a_password(self, server):
        with pytest.raises(CredentialsError, match="never asks for"):
            self.at(server, user="me", ask_password=True)

    def test_options_that_dvc_does_not_know(self, server):
        with pytest.raises(InvalidFileError, match="region"):
            self.at(server, region="x").read(KEY, limit=99)

    @pytest.mark.parametrize(
        ("package", "url"), [("dvc", "ssh://127.0.0.1/x"), ("dvc_ssh", "ssh://127.0.0.1/x")]
    )
    def test_dvc_itself_is_missing(self, monkeypatch, package, url):
        monkeypatch.setitem(sys.modules, package, None)

        with pytest.raises(MissingExtraError) as caught:
            open_remote(config(url)).read(KEY, limit=99)
        assert caught.value.hint == "pip install 'neurogister[dvc]'"

    def test_a_package_that_is_missing(self):
        remote = open_remote(config("hdfs://127.0.0.1:1/x"))

        with pytest.raises(MissingExtraError, match="dvc-hdfs"):
            remote.read(KEY, limit=99)

    def test_a_kind_that_dvc_does_not_know(self):
        with pytest.raises(InvalidFileError, match="does not know"):
            open_remote(config("gopher://example.org/x"))


def test_what_is_wrong_with_a_remote_is_said_when_it_is_opened():
    found = read_config(b"['remote \"lab\"']\nurl = ~/store\n", root=None)

    with pytest.raises(RefusedError, match="home folder"):
        open_remote(found.remote("lab"))


def test_bytes_are_those_that_were_put(kind):
    data = kind.open().read(LARGE, limit=len(DATA))

    assert hashlib.md5(data).hexdigest() == hashlib.md5(DATA).hexdigest()


def test_many_streams_at_once(kind):
    remote, found = kind.open(), []
    threads = [
        threading.Thread(target=lambda: found.append(read_all(remote, LARGE))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [(0, DATA)] * 8


def test_importing_costs_nothing():
    modules = ["dvcconfig", "remotes", "objects", "web", "folder", "dvcremote", "gcs", "azure"]
    heavy = {"obstore", "urllib3", "configobj", "dvc", "platformdirs", "botocore", "ssl"}
    code = f"import sys\nfor name in {modules}:\n"
    code += "    __import__(f'neurogister.backends.{name}')\n"
    code += f"print(*({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

    assert done.stdout.split() == []
