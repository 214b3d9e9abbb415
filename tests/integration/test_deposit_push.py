"""A deposit reports success when the remote really has the bytes, and changes nothing else."""

import hashlib
from http.server import BaseHTTPRequestHandler

import pytest
from tests.depositing import Lab
from tests.factories import random_bytes
from tests.servers import FAST, ThreadedServer, read_body, running, s3_server

from neurogister.errors import (
    CredentialsError,
    IntegrityError,
    NetworkError,
    NeurogisterError,
    OfflineError,
)


@pytest.fixture
def lab(home, tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROGISTER_RETRIES", "1")
    monkeypatch.setenv("NEUROGISTER_TIMEOUT", "5")
    return Lab(tmp_path)


@pytest.fixture
def sources(lab):
    return [
        lab.file("a.bin", b"a"),
        lab.folder("f", {"x": b"x", "deep/y": random_bytes(9_000_000)}),
    ]


def use(lab, server, bucket="bucket"):
    """Let the registry use a bucket, and make it."""
    folder = server.bucket(bucket)
    options = {key: value for key, value in server.dvc_options.items() if "key" not in key}
    secret = {key: value for key, value in server.dvc_options.items() if "key" in key}
    lab.registry.remote_url(f"s3://{bucket}/store", options, local=secret)
    lab.registry.commit("Use a bucket")
    return folder


def test_objects_are_there_when_it_returns(lab, sources, tmp_path):
    with s3_server(tmp_path / "s3", options=FAST) as server:
        bucket = use(lab, server)
        report = lab.deposit(*sources, push=None)
        objects = {p.relative_to(bucket / "store").as_posix(): p.read_bytes()
                   for p in bucket.rglob("*") if p.is_file()}  # fmt: skip
        assert report.unpushed is None
        for one in report.deposited:
            assert (one.remote, one.stored, one.status) == ("storage", "stored", "deposited")
            assert one.proof in ("size", "md5", "content")
            assert f"files/md5/{one.md5[:2]}/{one.md5[2:]}" in objects
        assert len(objects) == 4
        for key, data in objects.items():
            name = key.removesuffix(".dir").removeprefix("files/md5/").replace("/", "")
            assert hashlib.md5(data).hexdigest() == name
        again = lab.deposit(*sources, push=True, verify_remote=True)
        assert {(one.stored, one.proof) for one in again.deposited} == {("there", "content")}


def test_a_deposit_that_was_not_pushed_is_pushed_by_the_same_command(lab, sources):
    first = lab.deposit(*sources)
    assert first.unpushed
    assert not list(lab.registry.objects.rglob("*.dir"))
    again = lab.deposit(*sources, push=True)
    assert {(one.status, one.stored) for one in again.deposited} == {("unchanged", "stored")}
    assert len(list(lab.registry.objects.rglob("*.dir"))) == 1


def test_without_a_remote(lab):
    lab.registry.set_config({"core": {"remote": None}})
    config = lab.root / ".dvc/config"
    config.write_text("[core]\n")
    path = lab.file()
    with lab.unchanged(), pytest.raises(NeurogisterError, match="no remote"):
        lab.deposit(path, push=True)
    report = lab.deposit(path, push=None)
    assert "no remote" in report.unpushed
    assert report.deposited[0].remote is None


def test_offline(lab, monkeypatch):
    monkeypatch.setenv("NEUROGISTER_OFFLINE", "1")
    path = lab.file()
    with lab.unchanged(), pytest.raises(OfflineError):
        lab.deposit(path, push=True)
    assert "offline" in lab.deposit(path, push=None).unpushed


def check_refused(lab, sources, error, **options):
    for push in (None, True):
        with lab.unchanged(), pytest.raises(NeurogisterError) as caught:
            lab.deposit(*sources, push=push, commit=True, **options)
        causes = getattr(caught.value, "errors", [caught.value])
        assert all(isinstance(each, error) for each in causes), causes
    assert lab.staged() == set()
    return caught.value


def test_a_key_that_is_wrong(lab, sources, tmp_path):
    with s3_server(tmp_path / "s3", options=FAST) as server:
        bucket = use(lab, server)
        path = lab.root / ".dvc/config.local"
        path.write_text(path.read_text().replace(server.secret_key, "WRONGSECRETKEY"))
        check_refused(lab, sources, CredentialsError)
        assert list(bucket.iterdir()) == []


def test_a_key_that_may_only_read(lab, sources, tmp_path):
    (tmp_path / "s3" / "bucket").mkdir(parents=True)
    with s3_server(tmp_path / "s3", options=(*FAST, "--read-only")) as server:
        bucket = use(lab, server)
        check_refused(lab, sources, (CredentialsError, NetworkError))
        assert list(bucket.iterdir()) == []


def test_a_server_that_is_away(lab, sources):
    lab.registry.remote_url(
        "s3://bucket/store",
        {"endpointurl": "http://127.0.0.1:9"},
        local={"access_key_id": "KEYKEY", "secret_access_key": "SECRET"},
    )
    lab.registry.commit()  # fmt: skip
    check_refused(lab, sources, (NetworkError, CredentialsError))


class Forgetful(BaseHTTPRequestHandler):
    """Says "stored" to everything, and has nothing."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        data = read_body(self)
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.md5(data).hexdigest()}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self):
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        body = b"<?xml version='1.0'?><ListBucketResult></ListBucketResult>"
        if "list-type" not in self.path:
            body = b"<Error><Code>NoSuchKey</Code></Error>"
        self.send_response(200 if "list-type" in self.path else 404)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_DELETE(self):
        self.do_HEAD()

    def log_message(self, *_):
        pass


def test_a_remote_that_says_stored_and_has_nothing(lab):
    server = ThreadedServer(Forgetful)
    with running(server):
        lab.registry.remote_url(
            "s3://bucket/store",
            {"endpointurl": server.url},
            local={"access_key_id": "KEYKEY", "secret_access_key": "SECRET"},
        )
        lab.registry.commit()  # fmt: skip
        check_refused(lab, [lab.file("a.bin", b"a")], IntegrityError)


def test_a_folder_that_cannot_be_written(lab, sources):
    lab.registry.objects.rmdir()
    lab.registry.objects.write_bytes(b"a file")
    with lab.unchanged(), pytest.raises(NeurogisterError):
        lab.deposit(*sources, push=True)
