"""Many objects are looked for, and proved, in what the remote lists, not one by one."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers import FAST, s3_server
from tests.uploading import FakeS3, Shelf, check_stored, fake_s3

from neurogister.actions.presence import ask_for
from neurogister.actions.upload import Stored, upload
from neurogister.backends.remotes import ObjectStat, open_remote
from neurogister.errors import IntegrityError, NeurogisterError, NotFoundError
from neurogister.model.objects import ObjectId
from neurogister.model.remote import RemoteConfig
from neurogister.progress import SILENT

pytestmark = pytest.mark.usefixtures("home")
MANY = 300


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


@pytest.fixture
def fake() -> Iterator[FakeS3]:
    with fake_s3() as server:
        yield server


class Counter:
    """Counts what progress is told."""

    files = size = 0

    def __getattr__(self, name: str) -> object:
        return getattr(SILENT, name)

    def advance(self, *, files: int = 0, size: int = 0) -> None:
        self.files += files
        self.size += size


def test_two_lists_do_for_all(fake, shelf):
    outgoing = shelf.add_many(MANY)
    arrived = []

    proofs = check_stored(upload(fake.open(), outgoing, arrived=arrived.extend), "stored")

    assert proofs == {"md5"}
    assert fake.objects == {one.oid.key: shelf.content[one.oid] for one in outgoing}
    assert fake.count("HEAD") == 0
    assert fake.count("PUT") == MANY
    assert fake.count("GET", lists=True) == 2
    assert sorted(map(str, arrived)) == sorted(str(one.oid) for one in outgoing)


def test_one_list_does_where_all_is_there(fake, shelf):
    outgoing = shelf.add_many(MANY)
    upload(fake.open(), outgoing)
    fake.requests.clear()
    counter = Counter()

    assert check_stored(upload(fake.open(), outgoing, progress=counter), "there") == {"md5"}

    assert [path for _, path, _ in fake.requests if "list-type" not in path] == []
    assert len(fake.requests) == 1
    assert (counter.files, counter.size) == (MANY, sum(one.size for one in outgoing))


def test_few_objects_are_asked_for_one_by_one(fake, shelf):
    check_stored(upload(fake.open(), shelf.add_many(20)), "stored")

    assert fake.count("GET", lists=True) == 0
    assert fake.count("HEAD") == 40


def test_what_must_not_be_replaced_is_asked_for_one_by_one(fake, shelf):
    check_stored(upload(fake.open(), shelf.add_many(MANY), replace=False), "stored")

    assert fake.count("GET", lists=True) == 0
    assert fake.count("HEAD") == 2 * MANY


def test_reading_back_asks_for_the_bytes(fake, shelf):
    outgoing = shelf.add_many(MANY)

    assert check_stored(upload(fake.open(), outgoing, read_back=True), "stored") == {"content"}
    assert fake.count("GET") == MANY


def test_who_may_not_list_may_look(fake, shelf):
    fake.status["LIST"] = 403
    counter = Counter()
    outgoing = shelf.add_many(MANY)

    assert check_stored(upload(fake.open(), outgoing, progress=counter), "stored") == {"md5"}

    assert fake.count("PUT") == MANY
    assert (counter.files, counter.size) == (MANY, sum(one.size for one in outgoing))


def test_who_may_only_write(fake, shelf):
    """The answers to the uploads must do, and nothing is sent twice for it."""
    fake.status |= {"LIST": 403, "HEAD": 403}

    assert check_stored(upload(fake.open(), shelf.add_many(MANY)), "stored") == {"md5"}
    assert fake.count("PUT") == MANY


def test_what_got_lost_is_sent_again(fake, shelf):
    outgoing = shelf.add_many(MANY)
    lost = {one.oid.key for one in outgoing[::50]}
    arrived = []

    def keeps(key: str, data: bytes) -> bytes | None:
        if key in lost:
            lost.remove(key)
            return None
        return data

    fake.keeps = keeps
    counter = Counter()

    results = upload(fake.open(), outgoing, progress=counter, arrived=arrived.extend)

    assert check_stored(results, "stored") == {"md5"}
    assert fake.objects == {one.oid.key: shelf.content[one.oid] for one in outgoing}
    assert fake.count("PUT") == MANY + 6
    assert len(arrived) == len(set(arrived)) == MANY
    assert (counter.files, counter.size) == (MANY, sum(one.size for one in outgoing))


@pytest.mark.parametrize("kept", [None, b"short"])
def test_does_not_believe_who_does_not_keep_some(fake, shelf, kept):
    outgoing = shelf.add_many(MANY)
    bad = outgoing[7].oid
    fake.keeps = lambda key, data: kept if key == bad.key else data

    results = upload(fake.open(), outgoing)

    failed = {oid: each for oid, each in results.items() if isinstance(each, NeurogisterError)}
    assert list(failed) == [bad]
    assert isinstance(failed[bad], IntegrityError)
    assert "said that it had stored" in failed[bad].message


def test_what_was_there_but_is_another_one_is_replaced(fake, shelf):
    outgoing = shelf.add_many(MANY)
    upload(fake.open(), outgoing)
    fake.objects[outgoing[3].oid.key] = b"other"

    results = upload(fake.open(), outgoing)

    assert fake.objects[outgoing[3].oid.key] == shelf.content[outgoing[3].oid]
    states = [each.state for each in results.values() if isinstance(each, Stored)]
    assert sorted(states) == ["stored"] + ["there"] * (MANY - 1)


def test_marks_that_only_look_like_an_md5(fake, shelf):
    fake.etag = lambda _: "0" * 32

    assert check_stored(upload(fake.open(), shelf.add_many(MANY)), "stored") == {"content"}


def test_marks_that_do_not_look_like_an_md5(fake, shelf):
    fake.etag = lambda data: hashlib.md5(data).hexdigest() + "-1"

    assert check_stored(upload(fake.open(), shelf.add_many(MANY)), "stored") == {"size"}
    assert fake.count("HEAD") == 0


def test_a_full_remote_is_not_listed_to_its_end(fake, shelf):
    others = [f"files/md5/{number:032x}" for number in range(20_000)]
    fake.objects |= {f"{key[:12]}/{key[12:]}": b"" for key in others}

    check_stored(upload(fake.open(), shelf.add_many(MANY)), "stored")

    assert fake.count("GET", lists=True) == 2  # one page before, one after
    assert fake.count("PUT") == MANY
    assert fake.count("HEAD") >= MANY


@pytest.mark.parametrize("page", [(), ["files/md5/00/00"], ["files/md5/00/00"] * 1000])
def test_a_list_without_end_is_left(fake, shelf, monkeypatch, page):
    """Where nothing of it can be used, it takes some time; but the objects are stored."""
    monkeypatch.setattr("neurogister.actions.survey._PATIENCE", 0.3)
    fake.objects["files/md5/00/00"] = b""
    outgoing = shelf.add_many(MANY)
    monkeypatch.setattr(fake, "listed", lambda _: (list(page), "again"))

    assert check_stored(upload(fake.open(), outgoing), "stored") == {"md5"}
    assert fake.count("PUT") == MANY


@pytest.mark.parametrize("prefix", ["", "/a/b"])
def test_a_real_server(tmp_path, shelf, prefix):
    outgoing = shelf.add_many(1500)
    with s3_server(tmp_path / "s3", options=FAST) as server:
        server.bucket("bucket")
        remote = RemoteConfig("lab", f"s3://bucket{prefix}", dict(server.dvc_options))
        assert check_stored(upload(open_remote(remote), outgoing), "stored") == {"md5"}
        assert check_stored(upload(open_remote(remote), outgoing), "there") == {"md5"}


class TestAskingOnly:
    def test_a_list_answers(self, fake, shelf):
        outgoing = shelf.add_many(MANY)
        upload(fake.open(), outgoing)
        fake.requests.clear()
        counter = Counter()

        answers = ask_for(fake.open(), [one.oid for one in outgoing], progress=counter)

        assert answers == {one.oid: ObjectStat(one.size, one.oid.md5) for one in outgoing}
        assert len(fake.requests) == 1
        assert counter.files == MANY

    def test_what_is_not_listed_is_asked_for(self, fake, shelf):
        outgoing = shelf.add_many(MANY)
        upload(fake.open(), outgoing[:-3])
        fake.requests.clear()

        answers = ask_for(fake.open(), [one.oid for one in outgoing])

        assert fake.count("HEAD") == 3
        missing = {oid for oid, each in answers.items() if isinstance(each, NotFoundError)}
        assert missing == {one.oid for one in outgoing[-3:]}

    def test_who_may_not_list(self, fake, shelf):
        fake.status["LIST"] = 403
        outgoing = shelf.add_many(MANY)
        upload(fake.open(), outgoing)

        answers = ask_for(fake.open(), [one.oid for one in outgoing])

        assert answers == {one.oid: ObjectStat(one.size, one.oid.md5) for one in outgoing}

    def test_objects_of_dvc_2_lie_elsewhere(self, fake):
        oids = [ObjectId(f"{number:032x}", legacy=True) for number in range(MANY)]
        fake.objects |= {oid.key: b"1" for oid in oids}

        answers = ask_for(fake.open(), oids)

        assert set(answers.values()) == {ObjectStat(1, hashlib.md5(b"1").hexdigest())}
        assert fake.count("GET", lists=True) == 0
