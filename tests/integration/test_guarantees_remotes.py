"""Several remotes: the next one is asked when one lacks an object, fails, or has another one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import Place, Run
from tests.factories import random_bytes, random_files
from tests.faults import (
    Always,
    Drop,
    Fault,
    FaultServer,
    First,
    HtmlPage,
    Stall,
    Status,
    Truncated,
    WrongBytes,
)

from neurogister import CredentialsError, IntegrityError, NetworkError, NotFoundError

FILES = random_files(10, smallest=10, largest=3000, seed=7)
LARGE = random_bytes(5_000_000, 8)


@pytest.fixture
def backup(place: Place) -> Iterator[FaultServer]:
    """A second remote with the same objects, which is not the default one."""
    place.registry.add_folder("c/folder", {**FILES, "large.bin": LARGE})
    with FaultServer(place.registry.objects) as server:
        place.registry.set_config({"'remote \"backup\"'": {"url": server.url}})
        yield server


@pytest.mark.parametrize(
    "fault",
    [Status(404), Status(403), Status(503), Drop(), WrongBytes(), HtmlPage(), Stall(60)],
    ids=repr,
)
def test_next_remote_is_asked(
    place: Place, backup: FaultServer, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEUROGISTER_TIMEOUT", "1")
    place.server.rules.append(fault)

    assert place.pull().errors == []
    assert len(place.delivered) == 11
    assert len(backup.requests) == 11


def test_next_remote_is_asked_when_nobody_answers(place: Place, backup: FaultServer) -> None:
    place.registry.remote_url("http://127.0.0.1:9")

    assert place.pull().errors == []
    assert len(place.delivered) == 11


def test_default_remote_is_asked_alone_while_all_is_well(place: Place, backup: FaultServer) -> None:
    assert place.pull().errors == []
    assert len(place.server.requests) == 11
    assert backup.requests == []


def test_only_what_the_default_remote_lacks_comes_from_the_next(
    place: Place, backup: FaultServer
) -> None:
    missing = place.spoil("c/folder:large.bin", Status(404))

    assert place.pull().errors == []
    assert [request.path for request in backup.requests] == [missing]


def test_large_file_is_gone_on_with_at_the_next_remote(place: Place, backup: FaultServer) -> None:
    """What the first remote sent before it died need not come again."""
    key = place.path("c/folder:large.bin")
    place.server.rules += [
        First(1, Truncated(3_000_000), match=key),
        Always(Drop(), match=lambda request: request.path == key and request.number > 0),
    ]

    assert place.pull().errors == []
    assert sum(request.bytes_sent for request in backup.find(key)) <= len(LARGE) - 2_900_000
    assert place.delivered["data/c/folder/large.bin"] == LARGE


def test_user_hears_of_a_remote_that_has_wrong_bytes(
    place: Place, backup: FaultServer, run: Run
) -> None:
    place.spoil("c/folder:large.bin", WrongBytes())

    done = run("pull", cwd=place.root)

    assert done.returncode == 0
    assert "warning: c/folder:large.bin" in done.stderr
    assert place.server.url in done.stderr
    assert "'backup' had it" in done.stderr


def test_user_hears_once_of_a_remote_that_is_away(
    place: Place, backup: FaultServer, run: Run
) -> None:
    place.server.rules.append(Drop())

    done = run("pull", cwd=place.root)

    assert done.returncode == 0
    assert done.stderr.count("warning:") == 1
    assert place.server.url in done.stderr


def test_wanted_remote_is_asked_alone(place: Place, backup: FaultServer, run: Run) -> None:
    assert run("pull", "--remote", "backup", cwd=place.root).returncode == 0
    assert place.server.requests == []
    assert len(backup.requests) == 11


def test_no_other_remote_than_the_wanted_one_is_asked(
    place: Place, backup: FaultServer, run: Run
) -> None:
    backup.rules.append(Status(404))

    done = run("pull", "--remote", "backup", cwd=place.root)

    assert done.returncode == 3
    assert "'backup'" in done.stderr
    assert place.server.requests == []


def test_remote_that_the_pointer_names_is_asked_first(place: Place, backup: FaultServer) -> None:
    place.registry.add_file("c/one.bin", b"one" * 100)
    pointer = place.registry.pointer_path("c/one.bin")
    pointer.write_text(pointer.read_text().replace("hash: md5\n", "hash: md5\n  remote: backup\n"))

    assert place.pull("c/one.bin").errors == []
    assert place.server.requests == []
    assert [request.path for request in backup.requests] == [place.path("c/one.bin")]


def test_remote_that_the_pointer_names_is_not_the_only_one(
    place: Place, backup: FaultServer
) -> None:
    place.registry.add_file("c/one.bin", b"one" * 100)
    pointer = place.registry.pointer_path("c/one.bin")
    pointer.write_text(pointer.read_text().replace("hash: md5\n", "hash: md5\n  remote: backup\n"))
    backup.rules.append(Status(404))

    assert place.pull("c/one.bin").errors == []
    assert place.delivered == {"data/c/one.bin": b"one" * 100}


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (Status(404), WrongBytes(), IntegrityError),
        (WrongBytes(), Status(503), IntegrityError),
        (Status(503), Status(404), NetworkError),
        (Status(404), Status(403), CredentialsError),
        (Status(404), Status(404), NotFoundError),
    ],
    ids=repr,
)
def test_gravest_reason_is_told_when_no_remote_has_it(
    place: Place, backup: FaultServer, first: Fault, second: Fault, kind: type[Exception]
) -> None:
    place.server.rules.append(first)
    backup.rules.append(second)

    [error] = place.pull("c/folder:large.bin").errors

    assert type(error) is kind
    assert "c/folder:large.bin" in error.message
    assert place.delivered == {}


def test_folder_is_a_remote_like_others(place: Place, backup: FaultServer, tmp_path: Path) -> None:
    """The default remote is a folder in which one object is damaged, and one is a trap."""
    copy = tmp_path / "copy"
    for path in place.registry.objects.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(place.registry.objects)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    names = list(FILES)
    (copy / place.path(f"c/folder:{names[0]}")[1:]).write_bytes(b"damaged")
    trap = copy / place.path(f"c/folder:{names[1]}")[1:]
    trap.unlink()
    trap.mkdir()
    place.registry.remote_url(copy)

    assert place.pull().errors == []
    assert len(place.delivered) == 11
    assert {request.path for request in backup.requests} == {
        place.path(f"c/folder:{name}") for name in names[:2]
    }
