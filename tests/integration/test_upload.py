"""Storing objects in remotes of each kind: whole, proven, tried again, or a clear error."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Heard
from tests.factories import RegistryBuilder, make_registry, random_bytes, random_files
from tests.faults import Always, Drop, FaultServer, First, RequireBasic, RequireDigest, Status
from tests.integration.test_disk import read_only, small_disk
from tests.integration.test_remotes import config, need, options_of
from tests.interop.checkouts import Checkout
from tests.servers import (
    FAST,
    S3Server,
    find_rclone,
    s3_server,
    webdav_server,
)
from tests.uploading import Shelf, check_stored, fake_s3, holds, leftovers, only_error

from neurogister.actions.session import Session, open_session
from neurogister.actions.upload import Outgoing, Stored, upload
from neurogister.backends.dvcremote import DVCRemote
from neurogister.backends.remotes import Remote, open_remote
from neurogister.errors import (
    CredentialsError,
    IntegrityError,
    NetworkError,
    NeurogisterError,
    NoSpaceError,
    NotFoundError,
    RefusedError,
)
from neurogister.model.objects import ObjectId
from neurogister.model.remote import RemoteConfig
from neurogister.settings import Settings

SECRET = "sw0rdfish"
MIB = 1 << 20
LARGE = 18 * MIB + 7  # three parts
DENIED = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(autouse=True)
def _no_cloud(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


# What every kind promises


@dataclass(frozen=True)
class Kind:
    """A remote of some kind, the folder where its objects arrive, and wrong credentials."""

    config: RemoteConfig
    folder: Path
    proof: str = "size"
    wrong: dict[str, Any] | None = None
    through_dvc: bool = False

    def open(self, **options: Any) -> Remote:
        place = replace(self.config, options={**self.config.options, **options})
        if self.through_dvc:
            return DVCRemote(place, timeout=5, jobs=4)
        return open_remote(place, timeout=5)


def make_folder(stack: ExitStack, root: Path) -> Kind:
    return Kind(config(root), root)


def make_s3(stack: ExitStack, root: Path) -> Kind:
    server = stack.enter_context(s3_server(root, options=FAST))
    server.bucket("bucket")
    return Kind(
        config("s3://bucket/some/prefix", **options_of(server)),
        root / "bucket" / "some" / "prefix",
        proof="md5",
        wrong={"secret_access_key": "wrongsecretkey"},
    )


def make_http(stack: ExitStack, root: Path) -> Kind:
    server = stack.enter_context(FaultServer(root, writable=True))
    return Kind(config(f"{server.url}/a folder", method="PUT"), root / "a folder")


def make_http_basic(stack: ExitStack, root: Path) -> Kind:
    server = FaultServer(root, [RequireBasic("me", SECRET)], writable=True)
    stack.enter_context(server)
    options = {"auth": "basic", "user": "me", "password": SECRET}
    return Kind(config(server.url, **options), root, wrong={"password": "wrong"})


def make_http_digest(stack: ExitStack, root: Path) -> Kind:
    server = FaultServer(root, [RequireDigest("me", SECRET)], writable=True)
    stack.enter_context(server)
    options = {"auth": "digest", "user": "me", "password": SECRET, "method": "PUT"}
    return Kind(config(server.url, **options), root, wrong={"password": "wrong"})


def make_webdav(stack: ExitStack, root: Path) -> Kind:
    server = stack.enter_context(webdav_server(root, "me", SECRET, options=FAST))
    return Kind(
        config(f"{server.dvc_url}/not/yet there", **options_of(server)),
        root / "not" / "yet there",
        wrong={"password": "wrong"},
    )


def make_webdav_through_dvc(stack: ExitStack, root: Path) -> Kind:
    need("dvc_webdav")
    server = stack.enter_context(webdav_server(root, "me", SECRET, options=FAST))
    place = config(f"{server.dvc_url}", **options_of(server))
    return Kind(place, root, wrong={"password": "wrong"}, through_dvc=True)


def make_ssh(stack: ExitStack, root: Path) -> Kind:
    need("dvc_ssh")
    port = stack.enter_context(sftp_server(root))
    return Kind(
        config(f"ssh://127.0.0.1:{port}/prefix", user="me", password=SECRET),
        root / "prefix",
        wrong={"password": "wrong"},
    )


@contextmanager
def sftp_server(root: Path) -> Iterator[int]:
    """Serve a folder by ssh; gives the port. It knows only what came through it, and is fast."""
    root.mkdir()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = int(sock.getsockname()[1])
    command = [find_rclone(), "serve", "sftp", str(root), "--addr", f"127.0.0.1:{port}"]
    command += ["--user", "me", "--pass", SECRET, "--config=", *FAST]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
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
    "http": make_http,
    "http-basic": make_http_basic,
    "http-digest": make_http_digest,
    "webdav": make_webdav,
    "webdav-dvc": make_webdav_through_dvc,
    "ssh": make_ssh,
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    with ExitStack() as stack:
        yield KINDS[request.param](stack, tmp_path / "remote")


class TestEveryKind:
    def test_stores_and_finds_again(self, kind, shelf):
        outgoing = [shelf.add(b""), shelf.add(b"small"), *shelf.add_many(6)]
        outgoing.append(shelf.add(random_bytes(LARGE, 7), "large"))
        assert kind.open().why_not_writable() is None

        proofs = check_stored(upload(kind.open(), outgoing), "stored")

        assert proofs == {kind.proof}
        assert all(holds(kind.folder, one) == shelf.content[one.oid] for one in outgoing)
        assert leftovers(kind.folder) == []
        assert check_stored(upload(kind.open(), outgoing), "there") == {kind.proof}
        back = upload(kind.open(), outgoing, read_back=True)
        assert check_stored(back, "there") == {"content"}

    def test_reads_back_what_it_stored(self, kind, shelf):
        outgoing = [*shelf.add_many(3), shelf.add(random_bytes(3 * MIB))]

        assert check_stored(upload(kind.open(), outgoing, read_back=True), "stored") == {"content"}

    def test_replaces_what_is_too_short(self, kind, shelf):
        for one in (shelf.add(b"small"), shelf.add(random_bytes(2 * MIB))):
            remote = kind.open()
            remote.write(one.oid.key, shelf.content[one.oid][:-1])

            assert check_stored(upload(remote, [one]), "stored") == {kind.proof}

            assert holds(kind.folder, one) == shelf.content[one.oid]

    def test_says_what_it_has(self, kind, shelf):
        one = shelf.add(b"small")
        remote = kind.open()
        with pytest.raises(NotFoundError, match=one.oid.key):
            remote.stat(one.oid.key)

        remote.write(one.oid.key, b"small", md5=one.oid.md5)

        assert remote.stat(one.oid.key).size == 5
        assert remote.stat(one.oid.key, careful=True).size == 5

    def test_progress_counts_each_byte_once(self, kind, shelf):
        outgoing = [*shelf.add_many(4), shelf.add(random_bytes(2 * MIB))]
        counted = Counted()

        upload(kind.open(), outgoing, progress=counted)

        assert counted.files == len(outgoing)
        assert counted.size == sum(one.size for one in outgoing)

    def test_wrong_credentials(self, kind, shelf):
        if kind.wrong is None:
            pytest.skip("it wants none")
        outgoing = [*shelf.add_many(20), shelf.add(b"[]", "folder", listing=True)]

        results = upload(kind.open(**kind.wrong), outgoing)

        assert all(isinstance(error, CredentialsError) for error in results.values())
        assert all(SECRET not in str(error) and error.hint for error in results.values())
        assert not any(holds(kind.folder, one) for one in outgoing)


class Counted(Heard):
    """A progress that counts."""

    def __init__(self) -> None:
        super().__init__()
        self.files = self.size = 0
        self._lock = threading.Lock()

    def advance(self, *, files: int = 0, size: int = 0) -> None:
        with self._lock:
            self.files += files
            self.size += size


# Listings, and what the objects of one call have to do with each other


def test_listings_come_last(shelf, tmp_path):
    with FaultServer(tmp_path / "served", writable=True) as server:
        listing = shelf.add(random_bytes(5000), "folder", listing=True)
        outgoing = [listing, *shelf.add_many(10)]

        check_stored(upload(open_remote(config(server.url, method="PUT")), outgoing), "stored")

        paths = [request.path for request in server.find(methods="PUT")]
        assert paths[-1] == f"/{listing.oid.key}"
        assert len(paths) == 11


def test_no_listing_of_files_that_are_not_there(shelf, tmp_path):
    with FaultServer(tmp_path / "served", writable=True) as server:
        listing = shelf.add(b"[]", "folder", listing=True)
        files = shelf.add_many(10)
        bad = files[3]
        server.rules.append(Always(Status(400), match=f"*{bad.oid.key}", methods="PUT"))

        results = upload(open_remote(config(server.url, method="PUT")), [listing, *files])

        assert isinstance(results[bad.oid], NetworkError)
        assert bad.label in str(results[bad.oid])
        error = results[listing.oid]
        assert isinstance(error, NeurogisterError)
        assert "folder: the list of its files was not stored, as 1 of the files was not" in str(
            error
        )
        assert sum(isinstance(each, Stored) for each in results.values()) == 9
        assert server.find(f"*{listing.oid.key}", "PUT") == []


# A server that fails


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultServer]:
    with FaultServer(tmp_path / "served", writable=True) as server:
        yield server


def web(server: FaultServer, **options: Any) -> Remote:
    return open_remote(config(server.url, method="PUT", **options), timeout=5)


def s3(server: FaultServer, **options: Any) -> Remote:
    keys = {"access_key_id": "TESTACCESSKEY", "secret_access_key": "TESTSECRETKEY"}
    where = {"endpointurl": server.url, "region": "us-east-1"}
    return open_remote(config("s3://bucket", **keys, **where, **options), timeout=5)


OPEN = {"web": web, "s3": s3}


@pytest.fixture(params=OPEN)
def opened(request: pytest.FixtureRequest, server: FaultServer) -> Remote:
    return OPEN[request.param](server)


class TestTroubles:
    def test_tries_again(self, opened, server, shelf):
        outgoing = shelf.add_many(8)
        server.rules.append(First(1, Status(503), methods="PUT"))

        assert check_stored(upload(opened, outgoing), "stored") == {"size"}

    def test_waits_as_long_as_the_server_wants(self, opened, server, shelf):
        one = shelf.add(b"small")
        server.rules.append(First(2, Status(429, retry_after=1), methods="PUT"))

        check_stored(upload(opened, [one]), "stored")

        *_, second, third = server.find(methods="PUT")
        assert third.started - second.started >= 1

    def test_survives_a_cut(self, opened, server, shelf):
        outgoing = [shelf.add(b"small"), shelf.add(random_bytes(3 * MIB))]
        server.rules.append(First(1, Drop(), methods="PUT"))

        check_stored(upload(opened, outgoing), "stored")

    def test_finds_what_was_stored_before_the_cut(self, opened, server, shelf):
        """The answer was lost, and not the object."""
        one = shelf.add(b"small")

        @dataclass(frozen=True)
        class Lost:
            def apply(self, request: Any, response: Any) -> None:
                server._write(request, b"small")
                Drop().apply(request, response)

        server.rules.append(First(1, Lost(), methods="PUT"))

        check_stored(upload(opened, [one]), "stored")

        assert len(server.find(methods="PUT")) == 1

    def test_gives_a_dead_server_up(self, opened, server, shelf):
        outgoing = shelf.add_many(300)
        server.rules.append(Always(Status(503)))

        results = upload(opened, outgoing, retries=1, jobs=4)

        assert all(isinstance(error, NetworkError) for error in results.values())
        assert len(server.requests) < 60

    def test_says_that_we_may_not_write(self, opened, server, shelf):
        outgoing = shelf.add_many(300)
        server.rules.append(Always(Status(403, body=DENIED), methods="PUT"))

        results = upload(opened, outgoing, jobs=4)

        assert all(isinstance(error, CredentialsError) for error in results.values())
        assert "does not let us store files/md5/" in str(results[outgoing[-1].oid])
        assert "may read there may perhaps not write" in str(results[outgoing[0].oid].hint)  # type: ignore[union-attr]
        assert len(server.find(methods="PUT")) <= 8
        assert not any(path.is_file() for path in server.root.rglob("*"))

    def test_says_that_it_is_full(self, opened, server, shelf):
        outgoing = shelf.add_many(50)
        server.rules.append(Always(Status(507), methods="PUT"))

        results = upload(opened, outgoing, jobs=4)

        assert all(isinstance(error, NoSpaceError) for error in results.values())
        assert len(server.find(methods="PUT")) <= 8

    def test_does_not_believe_who_keeps_nothing(self, opened, server, shelf):
        one = shelf.add(b"small", "one")
        server.rules.append(Always(Status(200), methods="PUT"))

        error = only_error(upload(opened, [one]))

        assert isinstance(error, IntegrityError)
        assert re.search(r"one: .* said that it had stored .* does not have it", error.message)
        assert error.hint

    @pytest.mark.parametrize("size", [4000, 3 * MIB])
    def test_does_not_believe_who_keeps_less(self, opened, server, shelf, monkeypatch, size):
        one = shelf.add(random_bytes(size), "one")
        write = server._write
        monkeypatch.setattr(server, "_write", lambda request, data: write(request, data[:-1]))

        error = only_error(upload(opened, [one]))

        assert isinstance(error, IntegrityError)
        assert f"has {size - 1:,} bytes of {size:,}" in error.message

    def test_reading_back_finds_other_bytes(self, opened, server, shelf, monkeypatch):
        one = shelf.add(b"small", "one")
        write = server._write
        monkeypatch.setattr(server, "_write", lambda request, _: write(request, b"other"))

        assert check_stored(upload(opened, [one]), "stored") == {"size"}
        error = only_error(upload(opened, [one], read_back=True))

        assert isinstance(error, IntegrityError)
        assert "should be" in error.message

    def test_reads_back_where_nothing_else_can_be_known(self, server, shelf):
        one = shelf.add(b"small", "one")
        server.rules.append(Always(Status(405), methods="HEAD"))

        assert check_stored(upload(web(server), [one]), "stored") == {"content"}

    def test_server_that_takes_no_uploads(self, server, shelf):
        server.writable = False
        error = only_error(upload(web(server), [shelf.add(b"small")]))

        assert isinstance(error, NetworkError)
        assert "takes no uploads" in error.message
        assert len(server.find(methods="PUT")) == 1

    def test_redirect_is_not_followed(self, server, shelf):
        server.rules.append(Always(Status(307), methods="PUT"))

        error = only_error(upload(web(server), [shelf.add(b"small")]))

        assert "redirects" in error.message

    def test_no_bucket(self, server, shelf):
        body = "<Error><Code>NoSuchBucket</Code></Error>"
        server.rules.append(Always(Status(404, body=body)))

        error = only_error(upload(s3(server), [shelf.add(b"small")]))

        assert isinstance(error, NotFoundError)
        assert "there is no such bucket" in error.message

    def test_may_write_but_not_look(self, shelf):
        """The answer to the upload must do as a proof."""
        with fake_s3() as fake:
            fake.status["HEAD"] = 403
            outgoing = shelf.add_many(5)

            assert check_stored(upload(fake.open(), outgoing), "stored") == {"md5"}

    def test_what_is_not_an_md5_after_all(self, shelf):
        """Some servers have marks that only look like one; then the bytes decide."""
        with fake_s3() as fake:
            fake.etag = lambda _: "0" * 32
            one = shelf.add(b"small")

            assert check_stored(upload(fake.open(), [one]), "stored") == {"content"}

    def test_encrypted_objects_have_another_mark(self, shelf):
        with fake_s3() as fake:
            fake.etag = lambda _: "0" * 32
            fake.headers["x-amz-server-side-encryption"] = "aws:kms"
            one = shelf.add(b"small")

            proofs = check_stored(upload(fake.open(sse="aws:kms"), [one]), "stored")

            assert proofs == {"size"}
            sent = next(each for each in fake.requests if each[0] == "PUT")
            assert sent[2]["x-amz-server-side-encryption"] == "aws:kms"
            assert check_stored(upload(fake.open(), [one]), "there") == {"size"}


# Large objects in S3


class TestInParts:
    def test_part_that_fails_is_sent_again_alone(self, shelf):
        with fake_s3() as fake:
            one = shelf.add(random_bytes(LARGE))
            fake.failing = [503, 500]

            check_stored(upload(fake.open(), [one]), "stored")

            assert fake.objects[one.oid.key] == shelf.content[one.oid]
            sent = [path for method, path, _ in fake.requests if "partNumber" in path]
            assert len(sent) == 5

    def test_denied_before_a_byte_is_sent(self, shelf):
        with fake_s3() as fake:
            fake.status["POST"] = 403
            one = shelf.add(random_bytes(LARGE))

            error = only_error(upload(fake.open(), [one]))

            assert isinstance(error, CredentialsError)
            assert not any(method == "PUT" for method, _, _ in fake.requests)

    def test_denied_in_the_middle(self, shelf):
        """Parts that nobody will need are not left to be paid for."""
        with fake_s3() as fake:
            fake.failing = [403] * 30
            one = shelf.add(random_bytes(LARGE))

            error = only_error(upload(fake.open(), [one]))

            assert isinstance(error, CredentialsError)
            assert fake.objects == {}
            assert fake.uploads == {}
            assert fake.aborted == 1

    def test_file_that_changes_is_not_stored(self, shelf, monkeypatch):
        with fake_s3() as fake:
            one = shelf.add(random_bytes(LARGE), "one")

            class Shrinks(Counted):
                def advance(self, *, files: int = 0, size: int = 0) -> None:
                    if size:
                        os.truncate(one.path, 2 * MIB)

            error = only_error(upload(fake.open(), [one], progress=Shrinks()))

            assert "changed while it was read" in error.message
            assert fake.objects == {}
            assert fake.uploads == {}

    def test_interrupted(self, shelf):
        """Threads end soon, and nothing is there that should not be."""
        with fake_s3() as fake:
            outgoing = [shelf.add(random_bytes(10 * MIB, n)) for n in range(6)]

            class Stops(Counted):
                stopped = False

                def advance(self, *, files: int = 0, size: int = 0) -> None:
                    super().advance(files=files, size=size)
                    if size and not self.stopped:
                        self.stopped = True
                        signal.raise_signal(signal.SIGINT)

            start = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                upload(fake.open(), outgoing, progress=Stops(), jobs=2)

            assert time.monotonic() - start < 5
            assert not [thread for thread in threading.enumerate() if "_work" in thread.name]
            known = {one.oid.key: shelf.content[one.oid] for one in outgoing}
            assert fake.objects.items() <= known.items()
            assert len(fake.objects) < 6


# Other clouds


def test_azure(shelf):
    """A server that would do for S3 will do for small objects."""
    with fake_s3() as fake:
        key = "AccountName=me;AccountKey=c2VjcmV0;BlobEndpoint="
        remote = open_remote(config("azure://bucket/pre", connection_string=f"{key}{fake.url}"))
        assert remote.why_not_writable() is None
        outgoing = [shelf.add(b"small"), shelf.add(random_bytes(2 * MIB))]

        assert check_stored(upload(remote, outgoing), "stored") == {"md5"}

        assert fake.objects == {f"pre/{oid.key}": data for oid, data in shelf.content.items()}
        fake.status["PUT"] = 403
        error = only_error(upload(remote, [shelf.add(b"other")]))
        assert isinstance(error, CredentialsError)
        assert "does not let us store" in error.message


def test_google(shelf, tmp_path):
    """As above; the credentials are such as emulators want them."""
    with fake_s3() as fake:
        key = tmp_path / "key.json"
        content = {"type": "service_account", "disable_oauth": True, "gcs_base_url": fake.url}
        content |= {"client_email": "", "private_key": "", "private_key_id": ""}
        key.write_text(json.dumps(content))
        place = config("gs://bucket/pre", credentialpath=str(key), endpointurl=fake.url)
        remote = open_remote(place)
        assert remote.why_not_writable() is None
        outgoing = [shelf.add(b"small"), shelf.add(random_bytes(LARGE))]

        assert check_stored(upload(remote, outgoing), "stored") == {"md5"}

        assert fake.objects == {f"pre/{oid.key}": data for oid, data in shelf.content.items()}


# Configurations that cannot be written


@pytest.mark.parametrize(
    ("url", "options", "why"),
    [
        ("s3://bucket", {"allow_anonymous_login": True}, "without credentials"),
        ("s3://bucket", {}, "without credentials"),
        ("https://example.org/data", {}, "only known to give"),
        ("https://example.org/data", {"method": "GET"}, "none for uploads"),
        ("gs://bucket", {}, "without credentials"),
        ("azure://box", {"account_name": "me", "allow_anonymous_login": True}, "credentials"),
    ],
)
def test_why_not_writable(url, options, why):
    assert why in (open_remote(config(url, **options)).why_not_writable() or "")


@pytest.mark.parametrize(
    "option", [{"acl": "public-read"}, {"grant_read": "id=1"}, {"sse": "rot13"}]
)
def test_options_that_cannot_be_sent(option, server, shelf):
    remote = s3(server, **option)

    assert next(iter(option)) in (remote.why_not_writable() or "")
    error = only_error(upload(remote, [shelf.add(b"small")]))
    assert isinstance(error, RefusedError)
    assert "dvc push" in str(error.hint)
    assert server.find(methods="PUT") == []


def test_read_only_s3_server(tmp_path, shelf):
    root = tmp_path / "s3"
    (root / "bucket").mkdir(parents=True)
    with s3_server(root, options=("--read-only",)) as server:
        remote = open_remote(config("s3://bucket", **options_of(server)))
        results = upload(remote, shelf.add_many(4), retries=1)

    assert all(isinstance(error, NetworkError) for error in results.values())
    assert list((root / "bucket").iterdir()) == []


# Folders


class TestFolder:
    def test_objects_are_as_dvc_makes_them(self, tmp_path, shelf):
        root = tmp_path / "remote"
        one = shelf.add(b"small")

        check_stored(upload(open_remote(config(root)), [one]), "stored")

        assert (root / one.oid.key).stat().st_mode & 0o777 == 0o444

    def test_shared_by_a_group(self, tmp_path, shelf):
        one = shelf.add(b"small")
        root = tmp_path / "remote"

        check_stored(upload(open_remote(config(root, shared="group")), [one]), "stored")

        assert (root / one.oid.key).parent.stat().st_mode & 0o7777 == 0o2775

    def test_place_that_is_not_mounted(self, tmp_path, shelf):
        error = only_error(
            upload(open_remote(config(tmp_path / "away" / "remote")), [shelf.add(b"small")])
        )

        assert "not mounted?" in error.message
        assert not (tmp_path / "away").exists()

    def test_link_in_the_remote(self, tmp_path, shelf):
        one = shelf.add(b"small")
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (tmp_path / "remote" / "files").mkdir(parents=True)
        (tmp_path / "remote" / "files" / "md5").symlink_to(elsewhere)

        error = only_error(upload(open_remote(config(tmp_path / "remote")), [one]))

        assert "symbolic link" in error.message
        assert list(elsewhere.iterdir()) == []

    def test_link_in_place_of_an_object(self, tmp_path, shelf):
        one = shelf.add(b"small")
        path = tmp_path / "remote" / one.oid.key
        path.parent.mkdir(parents=True)
        path.symlink_to(tmp_path / "victim")

        error = only_error(upload(open_remote(config(tmp_path / "remote")), [one]))

        assert "symbolic link" in error.message
        assert not (tmp_path / "victim").exists()

    def test_what_a_killed_upload_left_goes_after_a_day(self, tmp_path, shelf):
        one = shelf.add(b"small")
        folder = (tmp_path / "remote" / one.oid.key).parent
        folder.mkdir(parents=True)
        old = folder / f".{'0' * 30}.{'1' * 12}.tmp"
        new = folder / f".{'2' * 30}.dir.{'1' * 12}.tmp"
        other = folder / ".mine.tmp"
        for path in (old, new, other):
            path.write_bytes(b"half")
        for path in (old, other):
            os.utime(path, (1, 1))

        check_stored(upload(open_remote(config(tmp_path / "remote")), [one]), "stored")

        assert not old.exists()
        assert new.exists()
        assert other.exists()

    def test_killed_in_the_middle(self, tmp_path, shelf):
        one = shelf.add(random_bytes(20 * MIB))
        root = tmp_path / "remote"

        killed = run_upload(one, config(root), kill_after=8 * MIB)

        assert killed.returncode == -signal.SIGKILL
        assert not (root / one.oid.key).exists()
        check_stored(upload(open_remote(config(root)), [one]), "stored")
        assert holds(root, one) == shelf.content[one.oid]

    @pytest.mark.skipif(sys.platform != "linux", reason="needs namespaces of Linux")
    def test_full_disk(self, tmp_path, shelf):
        with small_disk(tmp_path / "disk", "size=3m,mode=755") as disk:
            one = shelf.add(random_bytes(5 * MIB), "one")
            small = shelf.add_many(5)

            results = upload(open_remote(config(disk.outside / "remote")), [one, *small])

            error = results[one.oid]
            assert isinstance(error, NoSpaceError)
            assert "one: the remote 'lab'" in error.message
            assert not any(path.stat().st_size > 2000 for path in disk.outside.rglob("*.tmp"))
            assert holds(disk.outside / "remote", one) is None

    def test_read_only(self, tmp_path, shelf):
        root = tmp_path / "remote"
        root.mkdir()
        one = shelf.add(b"small", "one")
        with read_only(root):
            done = run_upload(one, config(root), unprivileged=True)

        assert "CredentialsError" in done.stderr
        assert "does not let us store" in done.stderr
        assert list(root.iterdir()) == []


SCRIPT = """
import os, signal, sys
from pathlib import Path
from neurogister.actions.upload import Outgoing, upload
from neurogister.model.objects import ObjectId
from neurogister.backends.remotes import open_remote
from neurogister.model.remote import RemoteConfig
from neurogister.progress import SILENT

class Killing(type(SILENT)):
    done = 0
    def advance(self, *, files=0, size=0):
        self.done += size
        if limit and self.done >= limit:
            os.kill(os.getpid(), signal.SIGKILL)

md5, size, path, limit, url = sys.argv[1:6]
limit = int(limit)
options = dict(pair.split("=", 1) for pair in sys.argv[6:])
one = Outgoing(ObjectId(md5), int(size), Path(path), "one")
remote = open_remote(RemoteConfig("lab", url, options))
(result,) = upload(remote, [one], progress=Killing()).values()
with open("/proc/self/status") as status:
    print(next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024)
if isinstance(result, Exception):
    sys.exit(f"{type(result).__name__}: {result}")
"""


def run_upload(
    one: Outgoing, place: RemoteConfig, *, kill_after: int = 0, unprivileged: bool = False
) -> "subprocess.CompletedProcess[str]":
    prefix: Sequence[str] = ()
    if unprivileged and os.geteuid() == 0:
        prefix = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner"]
    values = [one.oid.md5, str(one.size), str(one.path), str(kill_after), place.url]
    options = [f"{name}={value}" for name, value in place.options.items()]
    return subprocess.run(
        [*prefix, sys.executable, "-c", SCRIPT, *values, *options],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


# S3 as it is


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[S3Server]:
    with s3_server(tmp_path / "s3", options=FAST) as server:
        server.bucket("bucket")
        yield server


def test_killed_in_the_middle_of_an_upload_to_s3(bucket, shelf):
    one = shelf.add(random_bytes(40 * MIB))
    place = config("s3://bucket", **options_of(bucket))

    killed = run_upload(one, place, kill_after=35 * MIB)

    assert killed.returncode == -signal.SIGKILL
    with pytest.raises(NotFoundError):
        open_remote(place).stat(one.oid.key)
    check_stored(upload(open_remote(place), [one]), "stored")
    assert holds(bucket.root / "bucket", one) == shelf.content[one.oid]


def test_many_small_objects(bucket, shelf):
    """Some seconds on any machine: a quarter of what `dvc push` takes, and less."""
    outgoing = shelf.add_many(2000)
    remote = open_remote(config("s3://bucket", **options_of(bucket)))

    assert check_stored(upload(remote, outgoing), "stored") == {"md5"}
    assert check_stored(upload(remote, outgoing), "there") == {"md5"}


@pytest.mark.skipif(sys.platform != "linux", reason="counts as Linux does")
@pytest.mark.parametrize("kind", ["s3", "folder", "http"])
def test_large_file_needs_little_memory(tmp_path, shelf, bucket, kind):
    size = 300_000_000
    path = tmp_path / "zeros"
    path.touch()
    os.truncate(path, size)
    hasher = hashlib.md5()
    for start in range(0, size, MIB):
        hasher.update(bytes(min(MIB, size - start)))
    one = Outgoing(ObjectId(hasher.hexdigest()), size, path, "zeros")
    with ExitStack() as stack:
        if kind == "s3":
            place = config("s3://bucket", **options_of(bucket))
        elif kind == "folder":
            place = config(tmp_path / "remote")
        else:
            server = stack.enter_context(webdav_server(tmp_path / "dav", options=FAST))
            place = config(server.dvc_url)

        done = run_upload(one, place)

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= 150


# With the real DVC, and a real registry


def make_filled(root: Path) -> RegistryBuilder:
    registry = make_registry(root)
    registry.add_file("c/one.bin", b"one", id="one")
    registry.add_folder("c/folder", random_files(12, seed=3))
    registry.fill_cache()
    return registry


def cached(registry: RegistryBuilder) -> list[Outgoing]:
    cache = registry.root / ".dvc" / "cache"
    found = []
    for path in sorted(path for path in cache.rglob("*") if path.is_file()):
        md5 = f"{path.parent.name}{path.name}"
        oid = ObjectId(md5.removesuffix(".dir"), listing=md5.endswith(".dir"))
        found.append(Outgoing(oid, path.stat().st_size, path, path.name))
    return found


@pytest.mark.parametrize("kind", ["s3", "folder"])
def test_dvc_finds_all_that_we_stored(tmp_path, bucket, kind):
    registry = make_filled(tmp_path / "registry")
    if kind == "s3":
        options = bucket.dvc_options
        local = {key: options.pop(key) for key in ("access_key_id", "secret_access_key")}
        registry.remote_url("s3://bucket/data", options, local=local)
    else:
        registry.remote_url(tmp_path / "other")
    registry.commit("Choose a remote")
    session = open_session(Settings(cache=tmp_path / "own", registry=str(registry.root)))
    try:
        results = upload(session.writable_remote(), cached(registry))
    finally:
        session.close()
    check_stored(results, "stored")

    checkout = Checkout(registry.root)
    (pushed,) = checkout.dvc(["push"])
    assert "Everything is up to date." in pushed.ok()
    for path in (registry.root / ".dvc" / "cache").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.unlink()
    checkout.dvc(["pull"])[0].ok()
    assert (registry.root / "data" / "c" / "one.bin").read_bytes() == b"one"
    assert len(list((registry.root / "data" / "c" / "folder").rglob("*.bin"))) == 12


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    opened: list[Session] = []

    def open_it(registry: str | Path, **options: Any) -> Session:
        settings = Settings(cache=tmp_path / "own", registry=str(registry), **options)
        opened.append(open_session(settings))
        return opened[-1]

    yield open_it
    for one in opened:
        one.close()


class TestWritableRemote:
    def test_default_chosen_and_only_one(self, tmp_path, session):
        registry = make_registry(tmp_path / "registry")
        registry.remote_url(tmp_path / "first", name="first")

        assert session(registry.root).writable_remote("first").name == "first"
        assert session(registry.root, remote="first").writable_remote().name == "first"
        assert session(registry.root).writable_remote() is not None
        with pytest.raises(NotFoundError, match="there is no remote 'other'"):
            session(registry.root).writable_remote("other")

    def test_none_at_all(self, tmp_path, session):
        registry = make_registry(tmp_path / "registry")
        registry.write(".dvc/config", "")

        with pytest.raises(NotFoundError, match="has no remote") as caught:
            session(registry.root).writable_remote()

        assert "dvc remote add -d" in str(caught.value.hint)

    def test_only_one_without_a_default(self, tmp_path, session):
        registry = make_registry(tmp_path / "registry")
        registry.write(".dvc/config", f"['remote \"lone\"']\n    url = {tmp_path / 'lone'}\n")

        assert session(registry.root).writable_remote().name == "lone"

    def test_one_that_only_gives(self, tmp_path, session):
        registry = make_registry(tmp_path / "registry")
        registry.remote_url("https://example.org/data")

        with pytest.raises(RefusedError, match="only known to give") as caught:
            session(registry.root).writable_remote()

        assert "dvc push" in str(caught.value.hint)

    def test_folder_of_the_registry(self, tmp_path, session, shelf):
        registry = make_registry(tmp_path / "registry", objects=tmp_path / "registry" / "remote")
        registry.write(".dvc/config", "['remote \"lone\"']\n    url = ../remote\n")
        registry.commit("Carry the bytes")
        one = shelf.add(b"small")

        check_stored(upload(session(registry.root).writable_remote(), [one]), "stored")

        assert holds(registry.root / "remote", one) == b"small"

    def test_folder_of_a_registry_that_is_elsewhere(self, tmp_path, session):
        registry = make_registry(tmp_path / "registry", objects=tmp_path / "registry" / "remote")
        registry.write(".dvc/config", "['remote \"lone\"']\n    url = ../remote\n")
        registry.commit("Carry the bytes")

        with pytest.raises(RefusedError, match="no checkout here"):
            session(f"file://{registry.root}").writable_remote()
