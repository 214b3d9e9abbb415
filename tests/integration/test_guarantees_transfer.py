"""A remote that fails or lies: nothing wrong is delivered, and all that is right is."""

import time
from dataclasses import dataclass
from email.utils import formatdate

import pytest
from tests.conftest import Place, Run
from tests.factories import random_bytes, random_files
from tests.faults import (
    Always,
    Content,
    Drop,
    Empty,
    Endless,
    Fault,
    First,
    Fraction,
    Gzip,
    HtmlPage,
    IgnoreRange,
    NoLength,
    Request,
    Response,
    Short,
    Slow,
    Stall,
    Status,
    Truncated,
    WrongBytes,
)

from neurogister import (
    IntegrityError,
    NetworkError,
    NotFoundError,
    SeveralErrors,
)

SMALL = random_bytes(3_000, 1)
LARGE = random_bytes(5_000_000, 2)  # more than what is read whole into memory
GOOD = random_files(6, smallest=1, largest=3000, seed=3)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second without a byte is too long."""
    monkeypatch.setenv("NEUROGISTER_TIMEOUT", "1")


WRONG = {
    "other bytes": WrongBytes(),
    "one other byte": WrongBytes(at=2_000),
    "short": Short(0.9),
    "short by a byte": Short(2_999),
    "empty": Empty(),
    "page": HtmlPage(),
    "long page": HtmlPage(data=b"<html>" + b" " * 6_000_000),
    "gzip": Gzip(),
    "bomb": Gzip(bomb=20_000_000),
    "endless": Endless(),
    "endless in chunks": Endless(chunked=True),
    "far too big": Content(random_bytes(9_000_000, 9)),
}
BROKEN = {
    "cut off": Truncated(),
    "cut off by a reset": Truncated(reset=True),
    "dropped": Drop(),
    "reset": Drop(reset=True),
    "status 500": Status(500),
}


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("manifest", [True, False], ids=["size known", "size unknown"])
@pytest.mark.parametrize("fault", WRONG.values(), ids=WRONG)
def test_wrong_object_is_not_delivered(
    place: Place, fault: Fault, *, manifest: bool, size: str
) -> None:
    bad = {"small": SMALL, "large": LARGE}[size]
    place.registry.add_folder("c/folder", {**GOOD, "sub/bad.bin": bad}, manifest=manifest)
    place.registry.add_file("c/other.bin", b"another dataset")
    key = place.spoil("c/folder:sub/bad.bin", fault)

    report = place.pull()

    [error] = report.errors
    assert isinstance(error, IntegrityError)
    assert "c/folder:sub/bad.bin" in error.message
    assert place.server.url in error.message
    assert error.hint
    good = {f"data/c/folder/{name}": data for name, data in GOOD.items()}
    good["data/c/other.bin"] = b"another dataset"
    assert place.delivered == good
    assert key not in place.cached
    assert 2 <= len(place.server.find(key)) <= 4, "it is tried again, but not for long"
    assert place.server.bytes_sent < 60_000_000

    place.server.reset()
    assert place.pull().errors == []
    assert place.delivered == good | {"data/c/folder/sub/bad.bin": bad}
    assert {request.path for request in place.server.requests} == {key}


@pytest.mark.parametrize("reset", [False, True], ids=["end", "reset"])
@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_truncated_object_is_not_delivered(place: Place, data: bytes, *, reset: bool) -> None:
    place.registry.add_folder("c/folder", {**GOOD, "bad.bin": data})
    key = place.spoil("c/folder:bad.bin", Truncated(1000, reset=reset))

    [error] = place.pull().errors

    assert isinstance(error, NetworkError)
    assert "c/folder:bad.bin" in error.message
    assert place.server.url in error.message
    assert place.delivered == {f"data/c/folder/{name}": data for name, data in GOOD.items()}
    assert key not in place.cached
    assert 2 <= len(place.server.find(key)) <= 8


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("fault", (WRONG | BROKEN).values(), ids=WRONG | BROKEN)
def test_passing_fault_is_overcome(place: Place, fault: Fault, data: bytes) -> None:
    place.registry.add_file("c/one.bin", data)
    place.server.rules.append(First(1, fault))

    assert place.pull().errors == []
    assert place.delivered == {"data/c/one.bin": data}


@pytest.mark.parametrize("fault", [WrongBytes(), Empty(), HtmlPage(), Short()], ids=repr)
def test_wrong_listing_delivers_nothing_of_its_folder(place: Place, fault: Fault) -> None:
    place.registry.add_folder("c/folder", GOOD, manifest=False)
    place.registry.add_file("c/other.bin", b"another dataset")
    key = place.spoil("c/folder", fault)

    [error] = place.pull().errors

    assert isinstance(error, IntegrityError)
    assert "the listing of c/folder" in error.message
    assert place.server.url in error.message
    assert place.delivered == {"data/c/other.bin": b"another dataset"}
    assert key not in place.cached


def test_each_wrong_file_is_named(place: Place) -> None:
    place.registry.add_folder("c/folder", {**GOOD, "a.bin": b"aaa", "b.bin": b"bbb"})
    place.spoil("c/folder:a.bin", WrongBytes())
    place.spoil("c/folder:b.bin", Status(500))

    [error] = place.pull().errors

    assert isinstance(error, SeveralErrors)
    assert "2 of 8 files" in error.message
    assert [type(each) for each in error.errors] == [IntegrityError, NetworkError]
    assert "c/folder:a.bin" in error.errors[0].message
    assert "c/folder:b.bin" in error.errors[1].message


def test_no_object_without_a_length_is_taken_for_whole(place: Place) -> None:
    place.registry.add_file("c/small.bin", SMALL)
    place.registry.add_file("c/large.bin", LARGE)
    place.server.rules += [Always(NoLength(chunked=False)), First(1, Truncated(1000))]

    assert place.pull().errors == []
    assert place.delivered == {"data/c/small.bin": SMALL, "data/c/large.bin": LARGE}


def test_empty_file_takes_no_endless_body(place: Place) -> None:
    place.registry.add_file("c/empty.bin", b"")
    place.spoil("c/empty.bin", Endless())

    [error] = place.pull().errors

    assert isinstance(error, IntegrityError)
    assert place.server.bytes_sent < 30_000_000
    place.server.reset()
    assert place.pull().errors == []
    assert place.delivered == {"data/c/empty.bin": b""}


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        (WrongBytes(), 4, "its md5 is"),
        (HtmlPage(), 4, "web page"),
        (Empty(), 4, "0 bytes"),
        (Status(503), 5, "503 Service Unavailable"),
        (Drop(), 5, "connection"),
        (Status(404), 3, "does not hold"),
        (Status(403), 6, "403 Forbidden"),
    ],
    ids=repr,
)
def test_command_says_what_why_and_where(
    place: Place, run: Run, fault: Fault, status: int, reason: str
) -> None:
    place.registry.add_folder("c/folder", {**GOOD, "bad.bin": b"bad" * 100})
    place.spoil("c/folder:bad.bin", fault)

    done = run("pull", cwd=place.root)

    assert done.returncode == status
    for words in ("error: c/folder:bad.bin", place.server.url, reason, "\nhint: "):
        assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(place.delivered) == len(GOOD)


def test_command_ends_with_the_gravest_of_several_failures(place: Place, run: Run) -> None:
    place.registry.add_file("c/away.bin", b"away")
    place.registry.add_file("c/wrong.bin", b"wrong")
    place.spoil("c/away.bin", Status(500))
    place.spoil("c/wrong.bin", WrongBytes())

    done = run("pull", cwd=place.root)

    assert done.returncode == 4
    assert "c/away.bin" in done.stderr
    assert "c/wrong.bin" in done.stderr


@dataclass(frozen=True)
class Later:
    """A refusal that tells the date when to ask again: in two to three seconds."""

    code: int

    def apply(self, request: Request, response: Response) -> None:
        date = formatdate(time.time() + 3, usegmt=True)
        Status(self.code, retry_after=date).apply(request, response)


@pytest.mark.parametrize(
    "fault",
    [Status(429, retry_after=2), Status(503, retry_after=2), Later(429), Later(503)],
    ids=repr,
)
def test_server_that_asks_to_wait_is_left_alone(place: Place, fault: Fault) -> None:
    """The fast way does not see the header: each object may be asked for twice, to see it."""
    for number in range(2):
        place.registry.add_file(f"c/{number}.bin", bytes([number]) * 1000)
    place.server.rules.append(First(2, fault))

    assert place.pull().errors == []

    for number in range(2):
        *_, refused, served = place.server.find(place.path(f"c/{number}.bin"))
        assert refused.status in (429, 503)
        assert served.status == 200
        assert refused.ended is not None
        assert served.started - refused.ended >= 1.99


def test_wait_counts_for_all_objects(place: Place) -> None:
    """One that learns it must wait keeps the others from asking in vain."""
    for number in range(60):
        place.registry.add_file(f"c/{number}.bin", bytes([number]) * 1000)

    def early(request: Request) -> bool:
        return request.started < place.server.requests[0].started + 2

    place.server.rules.append(Always(Status(429, retry_after=2.5), match=early))

    assert place.pull(jobs=8).errors == []
    refused = [request for request in place.server.requests if request.status == 429]
    assert 1 <= len(refused) <= 2 * 8 + 2


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("after", [None, 1500], ids=["at once", "in the body"])
def test_stalled_transfer_is_tried_again(
    place: Place, impatient: None, data: bytes, after: int | None
) -> None:
    place.registry.add_file("c/one.bin", data)
    place.server.rules.append(First(1, Stall(20, after=after)))
    begun = time.monotonic()

    assert place.pull().errors == []
    assert place.delivered == {"data/c/one.bin": data}
    assert time.monotonic() - begun < 15


def test_slow_server_is_waited_for(place: Place, impatient: None) -> None:
    """It takes several times the timeout, but something always comes."""
    place.registry.add_file("c/small.bin", SMALL)
    place.registry.add_file("c/large.bin", LARGE)
    place.server.rules.append(Always(Slow(len(SMALL) / 2.5), match=place.path("c/small.bin")))
    place.server.rules.append(Always(Slow(len(LARGE) / 2.5), match=place.path("c/large.bin")))
    begun = time.monotonic()

    assert place.pull().errors == []
    assert place.delivered == {"data/c/small.bin": SMALL, "data/c/large.bin": LARGE}
    assert time.monotonic() - begun > 2


@pytest.mark.parametrize("fault", [Status(503), Drop(), Truncated(), WrongBytes()], ids=repr)
def test_one_request_in_five_may_fail(
    place: Place, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEUROGISTER_RETRIES")
    files = random_files(60, smallest=10, largest=3000)
    place.registry.add_folder("c/folder", files)
    part = 0.05 if isinstance(fault, WrongBytes) else 0.2
    place.server.rules.append(Fraction(part, fault, seed=1))

    assert place.pull().errors == []
    assert place.delivered == {f"data/c/folder/{name}": data for name, data in files.items()}
    assert len(place.server.requests) > 60


def test_server_that_comes_back_is_used(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEUROGISTER_RETRIES")
    files = random_files(30, smallest=10, largest=3000)
    place.registry.add_folder("c/folder", files)
    back = time.monotonic() + 1
    place.server.rules.append(
        Always(Drop(reset=True), match=lambda request: time.monotonic() < back)
    )

    assert place.pull().errors == []
    assert len(place.delivered) == 30


@pytest.mark.parametrize("fault", [Drop(), Status(503), Stall(60)], ids=repr)
def test_dead_server_is_given_up_soon(place: Place, impatient: None, fault: Fault) -> None:
    place.registry.add_folder("c/folder", random_files(500, smallest=10, largest=200))
    place.server.rules.append(fault)
    begun = time.monotonic()

    [error] = place.pull().errors

    assert time.monotonic() - begun < 30
    assert isinstance(error, SeveralErrors)
    assert len(error.errors) == 500
    assert all(isinstance(each, NetworkError) for each in error.errors)
    assert len(place.server.requests) <= 200, "not three for each"
    assert place.delivered == {}


def test_nobody_at_the_address_is_noticed_soon(place: Place) -> None:
    place.registry.add_folder("c/folder", random_files(500, smallest=10, largest=200))
    place.registry.remote_url("http://127.0.0.1:9")
    begun = time.monotonic()

    [error] = place.pull().errors

    assert time.monotonic() - begun < 30
    assert isinstance(error, SeveralErrors)
    assert {type(each) for each in error.errors} == {NetworkError}


def test_broken_objects_here_and_there_are_no_dead_server(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEUROGISTER_RETRIES", "1")
    files = {f"{number}.bin": random_bytes(5000 - number, number) for number in range(16)}
    place.registry.add_folder("c/folder", files)
    for number in range(0, 16, 2):
        place.spoil(f"c/folder:{number}.bin", Status(500))

    [error] = place.pull(jobs=1).errors

    assert isinstance(error, SeveralErrors)
    assert len(error.errors) == 8
    assert len(place.delivered) == 8


@pytest.mark.parametrize("jobs", ["1", "5"])
def test_some_broken_objects_are_no_dead_server(
    place: Place, monkeypatch: pytest.MonkeyPatch, jobs: str
) -> None:
    """Two objects that never come must not end the transfer of those that do."""
    monkeypatch.setenv("NEUROGISTER_RETRIES", "1")
    monkeypatch.setenv("NEUROGISTER_JOBS", jobs)
    files = random_files(5 * int(jobs), smallest=1000, largest=1000)
    bad = {"bad-1.bin": random_bytes(5000, 1), "bad-2.bin": random_bytes(5000, 2)}
    place.registry.add_folder("c/folder", {**files, **bad})
    place.server.rules.append(Always(Slow(2000)))  # half a second for each of the good ones
    for name in bad:
        place.spoil(f"c/folder:{name}", Status(500))

    [error] = place.pull().errors

    assert isinstance(error, SeveralErrors)
    assert len(error.errors) == 2
    assert place.delivered == {f"data/c/folder/{name}": data for name, data in files.items()}


def test_broken_object_is_not_tried_for_as_long_as_others_come(place: Place) -> None:
    place.registry.add_file("c/bad.bin", random_bytes(100))
    place.registry.add_file("c/large.bin", LARGE)
    key = place.spoil("c/bad.bin", Status(500))
    place.server.rules.append(Always(Slow(len(LARGE) / 2.5), match=place.path("c/large.bin")))

    [error] = place.pull().errors

    assert isinstance(error, NetworkError)
    assert len(place.server.find(key)) == 3, "two retries, as configured"
    assert place.delivered == {"data/c/large.bin": LARGE}


def test_server_that_dies_in_the_middle_of_a_file_is_given_up(place: Place) -> None:
    place.registry.add_file("c/large.bin", LARGE)
    place.server.rules += [First(1, Truncated(4_000_000)), First(10**6, Drop())]
    place.server.rules[1] = Always(Drop(), match=lambda request: request.number > 0)
    begun = time.monotonic()

    [error] = place.pull().errors

    assert isinstance(error, NetworkError)
    assert time.monotonic() - begun < 30
    assert len(place.server.requests) <= 5


def test_server_that_never_gets_to_the_end_is_given_up(place: Place) -> None:
    """It cannot go on where it stopped, and always stops at the same place."""
    place.registry.add_file("c/large.bin", LARGE)
    place.server.rules += [Always(IgnoreRange()), Always(Truncated(4_000_000))]

    [error] = place.pull().errors

    assert isinstance(error, NetworkError)
    assert len(place.server.requests) <= 6


def test_many_broken_connections_do_not_stop_a_large_file(place: Place) -> None:
    """Each of them brought some of it, so that there is no reason to give up."""
    place.registry.add_file("c/large.bin", LARGE)
    place.server.rules.append(Always(Truncated(600_000)))

    assert place.pull().errors == []
    assert place.delivered == {"data/c/large.bin": LARGE}
    assert place.server.bytes_sent <= 1.01 * len(LARGE)


def test_server_without_ranges_sends_it_again(place: Place) -> None:
    place.registry.add_file("c/large.bin", LARGE)
    place.server.rules += [Always(IgnoreRange()), First(1, Truncated(4_000_000))]

    assert place.pull().errors == []
    assert place.delivered == {"data/c/large.bin": LARGE}
    assert len(place.server.requests) == 2


def test_missing_object_is_not_waited_for(place: Place) -> None:
    place.registry.add_file("c/one.bin", SMALL, push=False)

    [error] = place.pull().errors

    assert isinstance(error, NotFoundError)
    assert "c/one.bin" in error.message
    assert len(place.server.requests) <= 1
