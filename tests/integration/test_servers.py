"""The test servers, faults and factories do what they say, as other people's clients see it."""

import gzip
import hashlib
import http.client
import json
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests import servers
from tests.factories import (
    RegistryBuilder,
    digest_file,
    dwi_files,
    gzip_bytes,
    make_large_registry,
    make_registry,
    nifti,
    nifti_bytes,
    random_files,
    to_yaml,
    wav_bytes,
)
from tests.faults import (
    After,
    Always,
    Drop,
    Empty,
    Endless,
    FaultServer,
    First,
    Fraction,
    Gzip,
    Headers,
    HtmlPage,
    IgnoreRange,
    NoLength,
    Redirect,
    RequireBasic,
    RequireDigest,
    RequireHeader,
    Short,
    Slow,
    Stall,
    Status,
    Truncated,
    WrongBytes,
)
from tests.servers import (
    Certificates,
    S3Server,
    git_http_server,
    http_server,
    isolated_environment,
    make_certificates,
    run_git,
    s3_server,
    webdav_server,
)

DATA = bytes(range(256)) * 400
Serve = Callable[[RegistryBuilder, Path], AbstractContextManager[None]]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def run_dvc(tmp_path: Path) -> Callable[..., str]:
    """Run the real dvc, away from the developer's own settings."""
    pytest.importorskip("dvc")
    environment = isolated_environment(tmp_path / "home")

    def run(*arguments: str, folder: Path) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultServer]:
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "file").write_bytes(DATA)
    (tmp_path / "other").write_bytes(b"other")
    with FaultServer(tmp_path) as server:
        yield server


@contextmanager
def _folder(registry: RegistryBuilder, _: Path) -> Iterator[None]:
    registry.remote_url(registry.objects)
    yield


@contextmanager
def _s3(registry: RegistryBuilder, _: Path) -> Iterator[None]:
    with s3_server(registry.objects.parent) as server:
        bucket = f"s3://{registry.objects.name}"
        registry.remote_url(bucket, local=server.dvc_options)
        yield


@contextmanager
def _anonymous_s3(registry: RegistryBuilder, _: Path) -> Iterator[None]:
    with s3_server(registry.objects.parent, anonymous=True) as server:
        registry.remote_url(f"s3://{registry.objects.name}", server.dvc_options)
        yield


@contextmanager
def _http(registry: RegistryBuilder, _: Path) -> Iterator[None]:
    with http_server(registry.objects, user="reader", password="secret") as server:
        registry.remote_url(server.dvc_url, local=server.dvc_options)
        yield


@contextmanager
def _https(registry: RegistryBuilder, folder: Path) -> Iterator[None]:
    with http_server(registry.objects, tls=make_certificates(folder)) as server:
        registry.remote_url(server.dvc_url, server.dvc_options)
        yield


@contextmanager
def _webdav(registry: RegistryBuilder, _: Path) -> Iterator[None]:
    with webdav_server(registry.objects, "writer", "secret") as server:
        registry.remote_url(server.dvc_url, local=server.dvc_options)
        yield


@pytest.mark.parametrize(
    "serve", [_folder, _s3, _anonymous_s3, _http, _https, _webdav], ids=lambda serve: serve.__name__
)
def test_dvc_pulls_what_the_factory_made(
    serve: Serve, tmp_path: Path, run_dvc: Callable[..., str]
) -> None:
    registry = make_registry(tmp_path / "registry")
    image, files = nifti_bytes(), dwi_files()
    registry.add_file("mni152/t1.nii.gz", b"first")
    registry.new_version("mni152/t1.nii.gz", image)
    registry.add_folder("sub-01/dwi", files, id="dwi")
    registry.add_package("lab/tests", ["mni152/t1.nii.gz", ("dwi", "dwi.bval", "b/values")])
    with serve(registry, tmp_path / "certificates"):
        registry.commit()
        run_dvc("pull", folder=registry.root)
        cloud = json.loads(run_dvc("status", "--cloud", "--json", folder=registry.root))

    assert (registry.root / "data/mni152/t1.nii.gz").read_bytes() == image
    assert _read_files(registry.root / "data/sub-01/dwi") == files
    assert _read_files(registry.root / "store/lab/tests") == {
        "t1.nii.gz": image,
        "b/values": files["dwi.bval"],
    }
    assert cloud == {}
    assert json.loads(run_dvc("status", "--json", folder=registry.root)) == {}
    assert registry.git("status", "--porcelain") == ""


def test_dvc_pulls_from_the_layout_of_dvc_2(tmp_path: Path, run_dvc: Callable[..., str]) -> None:
    registry = make_registry(tmp_path / "registry", plain=True, legacy=True)
    registry.add_file("old/table.tsv", b"a\tb\r\n1\t2\r\n", record=False)
    registry.add_folder("old/dwi", dwi_files(), record=False)
    registry.add_file("old/new.bin", DATA, record=False, legacy=False)
    registry.commit()
    run_dvc("pull", folder=registry.root)

    assert (registry.root / "data/old/table.tsv").read_bytes() == b"a\tb\r\n1\t2\r\n"
    assert _read_files(registry.root / "data/old/dwi") == dwi_files()
    assert json.loads(run_dvc("status", "--json", folder=registry.root)) == {}
    assert not (registry.root / "registry.yaml").exists()


def test_dvc_would_have_written_the_same_pointers(
    tmp_path: Path, run_dvc: Callable[..., str]
) -> None:
    registry = make_registry(tmp_path / "registry")
    registry.add_file("plain/t1.nii.gz", nifti_bytes(), record=False, checkout=True)
    registry.add_folder("plain/füße 2", {"b-2": b"", "b.d/é": b"1", "b/a": b"2"}, checkout=True)
    registry.add_file("recorded/tone.wav", wav_bytes(), title="It's 1: a tone", checkout=True)
    registry.commit()
    names = ["plain/t1.nii.gz", "plain/füße 2", "recorded/tone.wav"]
    run_dvc("add", *(f"data/{name}" for name in names), folder=registry.root)

    assert registry.git("status", "--porcelain") == ""


def test_webdav_takes_uploads(tmp_path: Path, run_dvc: Callable[..., str]) -> None:
    registry = make_registry(tmp_path / "registry")
    digests = registry.add_file("one/file.bin", DATA, push=False, checkout=True)
    run_dvc("add", "data/one/file.bin", folder=registry.root)
    with _webdav(registry, tmp_path):
        run_dvc("push", folder=registry.root)

    assert registry.object_path(digests).read_bytes() == DATA


def test_history_is_the_same_each_time(tmp_path: Path) -> None:
    commits = set()
    for place in ("one", "two"):
        registry = make_registry(tmp_path / place / "registry", url="s3://bucket")
        registry.add_file("mni152/t1.nii.gz", nifti_bytes(), dtype="t1w", metadata={"age": 3})
        registry.commit()
        registry.new_version("mni152/t1.nii.gz", nifti_bytes(seed=1), note="smoother")
        commits.add(registry.commit())

    assert len(commits) == 1
    assert registry.find("mni152/t1.nii.gz").record["version"] == 2  # type: ignore[index]


def test_fill_cache_leaves_nothing_to_pull(tmp_path: Path, run_dvc: Callable[..., str]) -> None:
    registry = make_registry(tmp_path / "registry")
    registry.add_folder("sub-01/dwi", dwi_files())
    registry.commit()
    registry.fill_cache()
    registry.remote_url("https://127.0.0.1:9/")
    run_dvc("checkout", folder=registry.root)

    assert _read_files(registry.root / "data/sub-01/dwi") == dwi_files()


def test_large_registry_looks_like_a_real_one(tmp_path: Path) -> None:
    registry = make_large_registry(tmp_path / "registry")

    assert len(registry.datasets) == len(set(registry.datasets)) == 1227
    assert len(list((registry.root / "data").rglob("*.dvc"))) == 1227
    assert len(list((registry.root / "store").rglob("*.dvc"))) == 2
    assert len(list((registry.root / "store").rglob("meta.yml"))) == 3
    assert registry.git("status", "--porcelain") == ""
    assert registry.git("rev-list", "--count", "HEAD").strip() == "1"


def test_large_registry_is_read_by_dvc(tmp_path: Path, run_dvc: Callable[..., str]) -> None:
    registry = make_large_registry(tmp_path / "registry", 30)
    listed = json.loads(run_dvc("list", ".", "data/subject", "--json", folder=registry.root))

    assert "fa.nii.gz" in {entry["path"] for entry in listed}


def test_large_registry_may_be_reachable(tmp_path: Path, run_dvc: Callable[..., str]) -> None:
    registry = make_large_registry(tmp_path / "registry", 40, unreachable=False)
    run_dvc("pull", folder=registry.root)

    name = next(iter(registry.datasets))
    assert (registry.root / "data" / name).read_bytes() == name.encode()


def test_nifti_is_valid(tmp_path: Path) -> None:
    packed = nifti(tmp_path / "image.nii.gz", (5, 6, 7), seed=3).read_bytes()
    image = nifti(tmp_path / "image.nii", (5, 6, 7), seed=3).read_bytes()

    assert gzip.decompress(packed) == image
    assert packed == gzip_bytes(image)
    assert struct.unpack_from("<i", image) == (348,)
    assert struct.unpack_from("<8h", image, 40) == (3, 5, 6, 7, 1, 1, 1, 1)
    assert image[344:348] == b"n+1\0"
    assert len(image) == 352 + 2 * 5 * 6 * 7


def test_yaml_says_what_was_meant() -> None:
    yaml = pytest.importorskip("ruamel.yaml").YAML(typ="safe")
    texts = ["12e4", "1" * 32, "0x1f", "no", "a: b", "- a", "it's", "é", "two\nlines", "", " a"]
    texts += ["2024-01-01", "1.2.0", "1_000", "~", "#a", "[a", "a #b", "a:", "*a", "12:30", "null"]
    value = {"texts": texts, "map": {"empty": {}, "list": [], "n": None, "deep": [{"a": [1, 2]}]}}

    assert yaml.load(to_yaml(value)) == value


def test_identical_random_files_differ_by_seed() -> None:
    assert random_files(3, seed=1) == random_files(3, seed=1)
    assert random_files(3, seed=1) != random_files(3, seed=2)


def test_s3_server_sees_files_put_behind_its_back(tmp_path: Path) -> None:
    obstore = pytest.importorskip("obstore")
    with s3_server(tmp_path / "buckets") as server:
        (server.bucket("data") / "file").write_bytes(b"one")
        store = _s3_store(server)
        assert bytes(obstore.get(store, "file").bytes()) == b"one"
        (server.bucket("data") / "file").write_bytes(b"two more")
        (server.bucket("data") / "new").write_bytes(b"new")
        assert bytes(obstore.get(store, "file").bytes()) == b"two more"
        assert bytes(obstore.get(store, "new").bytes()) == b"new"
        obstore.put(store, "deep/up", b"up")
        assert (server.bucket("data") / "deep" / "up").read_bytes() == b"up"


def test_s3_server_refuses_wrong_keys(tmp_path: Path) -> None:
    obstore = pytest.importorskip("obstore")
    with s3_server(tmp_path) as server:
        (server.bucket("data") / "file").write_bytes(b"secret")
        store = _s3_store(server, secret_access_key="WRONGSECRETKEY")
        with pytest.raises(obstore.exceptions.PermissionDeniedError):
            obstore.get(store, "file")


def test_rclone_is_gone_when_the_test_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), http_server(tmp_path) as server:
        raise ZeroDivisionError

    assert server.process is not None
    assert server.process.poll() is not None


def test_https_needs_the_authority(tmp_path: Path, certificates: Certificates) -> None:
    (tmp_path / "file").write_bytes(b"data")
    with http_server(tmp_path, tls=certificates) as server:
        trusting = certificates.client_context()
        with urllib.request.urlopen(f"{server.url}/file", context=trusting) as answer:
            assert answer.read() == b"data"
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(f"{server.url}/file")


def test_openssl_makes_certificates_too(tmp_path: Path) -> None:
    certificates = Certificates(*(tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem")))
    servers._make_with_openssl(tmp_path, certificates)
    (tmp_path / "file").write_bytes(b"data")
    with FaultServer(tmp_path, tls=certificates) as server:
        trusting = certificates.client_context()
        with urllib.request.urlopen(f"{server.url}/file", context=trusting) as answer:
            assert answer.read() == b"data"


def test_git_server_serves_a_partial_clone(tmp_path: Path) -> None:
    registry = make_registry(tmp_path / "registry")
    registry.write("big", "".join(f"{number}\n" for number in range(100_000)))
    first = registry.commit()
    registry.write("big", "small")
    registry.commit()
    with git_http_server(tmp_path / "repositories") as server:
        url = server.publish(registry.root)
        options = ["--quiet", "--no-checkout", "--filter=blob:none"]
        run_git("clone", *options, url, str(tmp_path / "clone"))
        few = server.bytes_sent
        assert {request.service for request in server.requests} == {"git-upload-pack"}
        assert server.requests[0].status == 200
        server.reset()
        text = run_git("show", f"{first}:big", folder=tmp_path / "clone")

    assert text.endswith("\n99999\n")
    assert few < 10_000 < server.bytes_sent


def test_git_server_may_lack_partial_clones(tmp_path: Path) -> None:
    registry = make_registry(tmp_path / "registry")
    with git_http_server(tmp_path / "repositories") as server:
        url = server.publish(registry.root, allow_filter=False, allow_any_sha1=False)
        run_git("clone", "--quiet", "--filter=blob:none", url, str(tmp_path / "clone"))
        blobs = run_git(
            "rev-list", "--objects", "--missing=print", "HEAD", folder=tmp_path / "clone"
        )

    assert "?" not in blobs


def test_git_server_follows_its_source_and_takes_pushes(tmp_path: Path) -> None:
    registry = make_registry(tmp_path / "registry")
    with git_http_server(tmp_path / "repositories") as server:
        url = server.publish(registry.root)
        run_git("clone", "--quiet", url, str(tmp_path / "clone"))
        registry.commit("Another")
        server.publish(registry.root)
        run_git("pull", "--quiet", folder=tmp_path / "clone")
        assert run_git("log", "-1", "--format=%s", folder=tmp_path / "clone") == "Another\n"
        with pytest.raises(RuntimeError, match="403"):
            run_git("push", "--quiet", "origin", "HEAD:refs/heads/new", folder=tmp_path / "clone")
        server.configure("registry.git", allow_push=True)
        run_git("push", "--quiet", "origin", "HEAD:refs/heads/new", folder=tmp_path / "clone")
        assert "refs/heads/new" in run_git("ls-remote", url)


def test_git_server_asks_for_a_password_and_fails_as_told(tmp_path: Path) -> None:
    registry = make_registry(tmp_path / "registry")
    with git_http_server(tmp_path / "repositories", user="me", password="secret") as server:
        url = server.publish(registry.root)
        assert "refs/heads/main" in run_git("ls-remote", url.replace("//", "//me:secret@"))
        with pytest.raises(RuntimeError, match=r"(?i)username|authentication"):
            run_git("ls-remote", url)
        server.status = 503
        with pytest.raises(RuntimeError, match="503"):
            run_git("ls-remote", url)


def test_fault_server_without_faults_serves_ranges(server: FaultServer) -> None:
    connection = _connect(server)
    whole = _get(connection, "/ab/file")
    head = _get(connection, "/ab/file", method="HEAD")
    part = _get(connection, "/ab/file", Range="bytes=10-19")
    tail = _get(connection, "/ab/file", Range="bytes=-5")
    rest = _get(connection, "/ab/file", Range=f"bytes={len(DATA) - 3}-")
    beyond = _get(connection, "/ab/file", Range=f"bytes={len(DATA)}-")
    missing = _get(connection, "/nothing")
    connection.close()

    assert (whole.status, whole.body) == (200, DATA)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(DATA))
    assert (part.status, part.body) == (206, DATA[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(DATA)}"
    assert (tail.body, rest.body) == (DATA[-5:], DATA[-3:])
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{len(DATA)}")
    assert missing.status == 404
    assert server.connections == 1
    assert [request.bytes_sent for request in server.requests[:3]] == [len(DATA), 0, 10]
    assert server.requests[2].range == "bytes=10-19"


def test_fault_server_checks_conditions(server: FaultServer) -> None:
    etag = _ask(server, "/ab/file").headers["ETag"]
    part = {"Range": "bytes=0-0"}

    assert _ask(server, "/ab/file", **part, **{"If-Range": etag}).status == 206
    assert _ask(server, "/ab/file", **part, **{"If-Range": '"other"'}).status == 200
    assert _ask(server, "/ab/file", **{"If-Match": '"other"'}).status == 412
    assert _ask(server, "/ab/file", **{"If-None-Match": etag}).status == 304


def test_fault_server_is_an_s3_server_for_reading(server: FaultServer) -> None:
    obstore = pytest.importorskip("obstore")
    store = obstore.store.S3Store(
        "ab",
        endpoint=server.url,
        skip_signature=True,
        region="us-east-1",
        client_options={"allow_http": True},
    )
    assert bytes(obstore.get(store, "file").bytes()) == DATA
    assert bytes(obstore.get_range(store, "file", start=5, length=7)) == DATA[5:12]
    with pytest.raises(FileNotFoundError):
        obstore.get(store, "nothing")


def test_first_fails_for_each_path_and_method(server: FaultServer) -> None:
    server.rules.append(First(2, Status(503, retry_after=1), match="*/ab/*", methods="GET"))
    answers = [_ask(server, "/ab/file") for _ in range(3)]

    assert [answer.status for answer in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "1"
    assert _ask(server, "/other").status == 200
    assert [request.status for request in server.find("*/ab/*")] == [503, 503, 200]


def test_after_and_functions_choose_requests(server: FaultServer) -> None:
    server.rules.append(After(1, Status(410), match=lambda request: request.range is not None))

    assert [_ask(server, "/other", Range="bytes=0-").status for _ in range(2)] == [206, 410]
    assert _ask(server, "/other").status == 200


def test_fraction_fails_the_same_requests_in_any_order(server: FaultServer) -> None:
    paths = [f"/missing/{number}" for number in range(100)]
    outcomes = []
    for order in (paths, paths[::-1]):
        server.reset(Fraction(0.3, Status(500), seed=1))
        outcomes.append({path: _ask(server, path).status for path in order})

    assert outcomes[0] == outcomes[1]
    assert 15 < list(outcomes[0].values()).count(500) < 45


def test_faults_of_content(server: FaultServer) -> None:
    def get(fault: object, **headers: Any) -> "_Answer":
        server.reset(fault)  # type: ignore[arg-type]
        return _ask(server, "/ab/file", **headers)

    wrong, one = get(WrongBytes()).body, get(WrongBytes(at=70_000)).body
    assert len(wrong) == len(one) == len(DATA)
    assert not any(a == b for a, b in zip(wrong, DATA, strict=True))
    assert [n for n in range(len(DATA)) if one[n] != DATA[n]] == [70_000]
    assert get(WrongBytes(at=70_000), Range="bytes=70000-70000").body == one[70_000:70_001]
    assert get(Short(0.5)).body == DATA[: len(DATA) // 2]
    assert get(Short(10), Range="bytes=20-").status == 416
    assert (get(Empty()).status, get(Empty()).body) == (200, b"")
    assert get(HtmlPage()).headers["Content-Type"].startswith("text/html")
    assert get(IgnoreRange(), Range="bytes=5-6").body == DATA
    assert get(NoLength()).body == DATA
    assert get(NoLength(chunked=False)).headers["Content-Length"] is None
    assert gzip.decompress(get(Gzip()).body) == DATA
    assert gzip.decompress(get(Gzip(bomb=300_000)).body) == bytes(300_000)
    assert get(Headers(ETag=None, X_Other="yes")).headers["ETag"] is None


def test_html_page_hides_that_nothing_is_there(server: FaultServer) -> None:
    server.rules.append(HtmlPage())

    assert _ask(server, "/nothing").status == 200


def test_truncated_body_ends_early(server: FaultServer) -> None:
    server.rules.append(First(2, Truncated(1000)))
    server.rules.append(First(1, Truncated(0.5, reset=True), match="/other"))
    with pytest.raises(http.client.IncompleteRead) as error:
        _ask(server, "/ab/file")
    with pytest.raises(http.client.IncompleteRead) as ranged:
        _ask(server, "/ab/file", Range="bytes=500-")
    with pytest.raises(ConnectionResetError):
        _ask(server, "/other")

    assert error.value.partial == DATA[:1000]
    assert ranged.value.partial == DATA[500:1500]
    assert _ask(server, "/ab/file").body == DATA


def test_dropped_connection_gives_no_answer(server: FaultServer) -> None:
    server.rules.append(First(1, Drop(), per_path=False))
    server.rules.append(First(1, Drop(reset=True), match="/other"))
    with pytest.raises(http.client.RemoteDisconnected):
        _ask(server, "/ab/file")
    with pytest.raises(ConnectionResetError):
        _ask(server, "/other")

    assert [request.status for request in server.requests] == [None, None]
    assert _ask(server, "/other").status == 200


@pytest.mark.parametrize("after", [None, 0, 100])
def test_stall_makes_a_client_wait(server: FaultServer, after: int | None) -> None:
    server.rules.append(Stall(0.3, after=after))
    started = time.monotonic()

    assert _ask(server, "/ab/file").body == DATA
    assert time.monotonic() - started >= 0.3


def test_stalled_server_stops_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA)
    started = time.monotonic()
    with FaultServer(tmp_path, [Stall(60, after=10)]) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=0.2)
        connection.request("GET", "/file")
        answer = connection.getresponse()
        assert answer.read(10) == DATA[:10]
        with pytest.raises(TimeoutError):
            answer.read(10)
        answer.close()
        connection.close()

    assert time.monotonic() - started < 10


def test_slow_and_other_faults_add_up(server: FaultServer) -> None:
    server.rules += [Always(Slow(100_000)), First(1, Truncated(20_000))]
    started = time.monotonic()
    with pytest.raises(http.client.IncompleteRead):
        _ask(server, "/ab/file")

    assert 0.19 < time.monotonic() - started < 2
    assert server.requests[0].faults == ("Slow", "Truncated")


@pytest.mark.parametrize("chunked", [True, False])
def test_endless_body_goes_on(server: FaultServer, *, chunked: bool) -> None:
    server.rules.append(Endless(chunked=chunked))
    connection = _connect(server)
    connection.request("GET", "/ab/file")
    answer = connection.getresponse()
    body = answer.read(1_000_000)
    answer.close()
    connection.close()

    assert body == DATA + bytes(1_000_000 - len(DATA))
    assert answer.headers["Content-Length"] is None


@pytest.mark.parametrize("code", [301, 302, 307])
def test_redirect_leads_elsewhere(server: FaultServer, tmp_path: Path, code: int) -> None:
    with FaultServer(tmp_path) as other:
        server.rules.append(Redirect(other.url, code=code))
        with urllib.request.urlopen(f"{server.url}/ab/file?x=1") as answer:
            assert answer.read() == DATA
        assert [request.target for request in other.requests] == ["/ab/file?x=1"]


def test_login_by_header_basic_and_digest(server: FaultServer) -> None:
    server.rules.append(RequireHeader("X-Token", "secret", code=403))
    assert _ask(server, "/other").status == 403
    assert _ask(server, "/other", **{"X-Token": "secret"}).body == b"other"

    for rule, handler in (
        (RequireBasic("me", "secret"), urllib.request.HTTPBasicAuthHandler),
        (RequireDigest("me", "secret"), urllib.request.HTTPDigestAuthHandler),
    ):
        server.reset(rule)
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, server.url, "me", "secret")
        with urllib.request.build_opener(handler(passwords)).open(f"{server.url}/other") as answer:
            assert answer.read() == b"other"
        assert [request.status for request in server.requests] == [401, 200]


def test_uploads_are_taken_if_wanted(tmp_path: Path) -> None:
    with FaultServer(tmp_path, [First(1, Status(500))], writable=True) as server:
        connection = _connect(server)
        answers = [_get(connection, "/a/b", method="PUT", body=DATA) for _ in range(2)]
        connection.close()

    assert [answer.status for answer in answers] == [500, 200]
    assert (tmp_path / "a" / "b").read_bytes() == DATA


def test_many_clients_at_once(server: FaultServer) -> None:
    server.rules.append(Stall(0.1))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: _ask(server, "/ab/file").body, range(40)))

    digest = digest_file(DATA).md5
    assert {hashlib.md5(body).hexdigest() for body in answers} == {digest}
    assert 2 <= server.peak <= 20


def _s3_store(server: S3Server, **options: str) -> Any:
    from obstore.store import S3Store

    usual = {
        "endpoint": server.endpoint,
        "access_key_id": server.access_key,
        "secret_access_key": server.secret_key,
        "region": "us-east-1",
    }
    return S3Store("data", client_options={"allow_http": True}, **usual | options)


class _Answer:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()


def _connect(server: FaultServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)


def _get(
    connection: http.client.HTTPConnection,
    path: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    **headers: Any,
) -> _Answer:
    connection.request(method, path, body, headers)
    with connection.getresponse() as answer:
        return _Answer(answer)


def _ask(server: FaultServer, path: str, **headers: Any) -> _Answer:
    with closing(_connect(server)) as connection:
        return _get(connection, path, **headers)


def _read_files(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
