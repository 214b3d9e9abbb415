"""Many objects at once: what is left to do when they are here, and what must come again."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from neurogister.actions.attempts import Attempts, Unfinished
from neurogister.errors import IntegrityError, NetworkError, NoSpaceError
from neurogister.model.objects import ObjectId


@dataclass(frozen=True)
class Task:
    oid: ObjectId


@dataclass
class FakeRemote:
    name: str = "lab"
    address: str = "lab"
    preferred_jobs: int = 8


class Work(Attempts[Task, str]):
    """Brings each object, and leaves the rest to others; ``finish`` is what they do."""

    finishers = 2

    def __init__(self, finish: Callable[[Task, bool], str], size: int = 1, **options: Any) -> None:
        super().__init__([FakeRemote()], **options)
        self.kept: list[tuple[Task, str]] = []
        self.tries: Counter[ObjectId] = Counter()
        self.waiting = 0
        self._left = finish
        self._size = size

    def _do(self, task: Task) -> str | Unfinished[str]:
        return self._persist(self._remotes[0], task)

    def _try(self, remote: Any, task: Task, *, careful: bool) -> str | Unfinished[str]:
        self.tries[task.oid] += 1
        self.waiting += 1

        def finish() -> str:
            self.waiting -= 1
            return self._left(task, careful)

        return finish() if careful else Unfinished(remote.name, self._size, finish)

    def _keep(self, done: Sequence[tuple[Task, str]]) -> None:
        self.kept += done


def tasks(count: int) -> list[Task]:
    return [Task(ObjectId(f"{n:032x}")) for n in range(count)]


def test_everything_is_finished_and_kept_once() -> None:
    names = set()

    def finish(task: Task, careful: bool) -> str:
        names.add(threading.current_thread().name)
        return task.oid.md5

    work = Work(finish)
    arrived: list[ObjectId] = []

    assert work.run_all(tasks(500), arrived=arrived.extend) == {}

    assert sorted(arrived, key=str) == [task.oid for task in tasks(500)]
    assert sorted(result for _, result in work.kept) == [task.oid.md5 for task in tasks(500)]
    assert len(names) <= 2, "the others only wait for the remote"
    assert set(work.tries.values()) == {1}


def test_nothing_to_do() -> None:
    assert Work(lambda task, careful: "").run_all([]) == {}


def test_what_came_wrong_comes_again_with_care() -> None:
    def finish(task: Task, careful: bool) -> str:
        if not careful and int(task.oid.md5, 16) % 3 == 0:
            raise IntegrityError("wrong")
        return "good"

    work = Work(finish)

    assert work.run_all(tasks(60)) == {}

    assert len(work.kept) == 60
    again = {oid for oid, count in work.tries.items() if count == 2}
    assert again == {task.oid for task in tasks(60)[::3]}
    assert set(work.tries.values()) == {1, 2}


def test_what_is_wrong_twice_fails_and_the_others_do_not() -> None:
    def finish(task: Task, careful: bool) -> str:
        if int(task.oid.md5, 16) % 10 == 0:
            raise IntegrityError("wrong")
        return "good"

    work = Work(finish)
    failed = work.run_all(tasks(60))

    assert sorted(int(oid.md5, 16) for oid in failed) == [0, 10, 20, 30, 40, 50]
    assert {type(error) for error in failed.values()} == {IntegrityError}
    assert len(work.kept) == 54
    assert {work.tries[oid] for oid in failed} == {2}


def test_another_failure_of_the_rest_is_that_object_s_own() -> None:
    def finish(task: Task, careful: bool) -> str:
        if int(task.oid.md5, 16) == 7:
            raise NetworkError("odd")
        return "good"

    failed = Work(finish).run_all(tasks(20))

    assert [int(oid.md5, 16) for oid in failed] == [7]


def test_a_full_disk_ends_all_and_what_was_done_is_kept() -> None:
    def finish(task: Task, careful: bool) -> str:
        if int(task.oid.md5, 16) == 50:
            raise NoSpaceError("full")
        return "good"

    work = Work(finish)
    with pytest.raises(NoSpaceError, match="full"):
        work.run_all(tasks(10_000))

    assert 1 <= len(work.kept) < 10_000
    deadline = time.monotonic() + 5
    while any("_work" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_waits_is_bounded() -> None:
    most = 0

    def finish(task: Task, careful: bool) -> str:
        nonlocal most
        most = max(most, work.waiting)
        time.sleep(0.002)
        return "good"

    work = Work(finish, size=4 << 20)

    assert work.run_all(tasks(200)) == {}
    assert most <= 8 + 8 + 3, "32 MiB, one for each thread that brings them, and those in hand"
