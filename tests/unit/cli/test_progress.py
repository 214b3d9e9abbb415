"""Progress: what is said, when, and that nothing is left of it."""

import io
import sys
import threading
import time

import pytest

from neurogister.cli import progress as module
from neurogister.cli.progress import TerminalProgress


class Clock:
    """Time as the test says."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "_STILL_SECONDS", 3600.0)  # the test moves the clock
    return clock


@pytest.fixture
def said(capsys):
    """All that was said until now."""
    seen = []

    def said():
        seen.append(capsys.readouterr().err)
        return "".join(seen)

    return said


def test_lines_come_every_ten_seconds(clock, said):
    progress = TerminalProgress("lines")
    progress.start("Fetching", files=4, size=4000)
    progress.advance(files=1, size=1000)
    clock.now += 9
    progress.advance(files=1, size=1000)
    assert said() == ""
    clock.now += 1.5
    progress.advance(size=1)
    clock.now += 5
    progress.advance(size=1)
    assert said() == "Fetching 2/4 files, 2.0 kB of 4.0 kB, 190 B/s, 10 s left\n"
    clock.now += 6
    progress.advance(files=1, size=998)
    progress.finish()
    assert said().splitlines()[1:] == ["Fetching 3/4 files, 3.0 kB of 4.0 kB, 139 B/s, 7 s left"]


def test_short_work_draws_no_bar(clock, said):
    progress = TerminalProgress("bar")
    progress.start("Fetching", files=1, size=10)
    clock.now += 0.3
    progress.advance(files=1, size=10)
    progress.finish()
    assert said() == ""


def test_a_bar_is_erased_for_a_line_and_at_the_end(clock, said):
    progress = TerminalProgress("bar")
    progress.start("Fetching", files=2, size=10)
    clock.now += 1
    progress.advance(files=1, size=5)
    assert said().startswith("\r[")
    progress.say("a line")
    assert said().endswith("\ra line\n")
    clock.now += 1
    progress.advance(size=1)
    progress.finish()
    assert said().endswith("\r" + " " * 79 + "\r")
    assert all(len(piece) <= 79 for piece in said().replace("\n", "\r").split("\r"))


def test_quiet_leaves_warnings_only(clock, said):
    progress = TerminalProgress("lines", quiet=True)
    progress.start("Fetching", files=1, size=1)
    clock.now += 60
    progress.advance(files=1)
    progress.say("nothing")
    progress.warn("something")
    assert said() == "warning: something\n"


def test_none_leaves_what_is_said(clock, said):
    progress = TerminalProgress("none")
    progress.start("Fetching", files=1, size=1)
    clock.now += 60
    progress.advance(files=1)
    progress.say("said")
    assert said() == "said\n"


def test_auto_is_lines_without_a_terminal_and_on_a_dumb_one(clock, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def drawn(kind, stream):
        monkeypatch.setattr(sys, "stderr", stream)
        progress = TerminalProgress(kind)
        progress.start("Fetching", files=1, size=0)
        clock.now += 11
        progress.advance()
        progress.finish()
        return stream.getvalue()[0]

    monkeypatch.setenv("TERM", "xterm")
    assert drawn("auto", io.StringIO()) == "F"
    assert drawn("auto", Terminal()) == "\r"
    monkeypatch.setenv("TERM", "dumb")
    assert drawn("auto", Terminal()) == "F"
    assert drawn("bar", Terminal()) == "F"


@pytest.mark.parametrize(
    ("files", "size", "done", "text"),
    [
        (3, 0, {"files": 1}, "Reading 1/3 files"),
        (0, 0, {"files": 7}, "Reading 7 files, 20 s"),
        (0, 0, {}, "Reading, 20 s"),
        (0, 0, {"files": 1, "size": 2000}, "Reading 1 files, 2.0 kB, 100 B/s, 20 s"),
        (2, 100, {"files": 2, "size": 100}, "Reading 2/2 files, 100 B of 100 B, 5 B/s"),
        (2, 100, {"files": 1, "size": 500}, "Reading 1/2 files, 500 B of 100 B, 25 B/s"),
    ],
)
def test_what_is_not_known_is_not_invented(clock, said, files, size, done, text):
    progress = TerminalProgress("lines")
    progress.start("Reading", files=files, size=size)
    clock.now += 20
    progress.advance(**done)
    assert said().startswith(text)


def test_a_line_comes_also_when_nothing_moves(monkeypatch, said):
    monkeypatch.setattr(module, "_STILL_SECONDS", 0.02)
    monkeypatch.setattr(module, "_LINE_SECONDS", 0.05)
    progress = TerminalProgress("lines")
    progress.start("Asking example.org", files=0, size=0)
    for _ in range(1000):
        if said():
            break
        time.sleep(0.01)
    progress.finish()
    assert said().startswith("Asking example.org, 0 s\n")


def test_messages_of_strangers_are_harmless(said):
    TerminalProgress("lines").say("a\x1b[2Jb\nc")
    assert said() == "a\\u001b[2Jb\\nc\n"


def test_work_goes_on_when_nobody_listens(monkeypatch, clock):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Closed())
    progress = TerminalProgress("bar")
    progress.start("Fetching", files=1, size=1)
    clock.now += 5
    progress.advance(files=1)
    progress.say("x")
    progress.finish()


def test_many_threads_are_counted_right(clock, said):
    progress = TerminalProgress("lines")
    progress.start("Fetching", files=400, size=400)
    threads = [
        threading.Thread(target=lambda: [progress.advance(files=1, size=1) for _ in range(100)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clock.now += 11
    progress.advance()
    assert said().startswith("Fetching 400/400 files, 400 B of 400 B")
