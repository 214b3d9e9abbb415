"""Terminals, pipes and interruptions: real processes only."""

import os
import re
import signal
import subprocess
import time

import pytest
from tests.cli.conftest import run_on_terminal
from tests.conftest import command
from tests.factories import make_large_registry, make_registry, random_bytes
from tests.faults import FaultServer, Slow, Stall

ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """More than fits into a pipe."""
    root = tmp_path_factory.mktemp("large") / "registry"
    return make_large_registry(root, 3000, checkout=False)


@pytest.fixture
def slow(tmp_path):
    """A registry of one file that takes two seconds to come."""
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/slow.bin", random_bytes(200_000))
    with FaultServer(registry.objects, [Slow(100_000)]) as server:
        registry.remote_url(server.url)
        registry.commit()
        yield registry


def test_a_bar_appears_and_is_gone_at_the_end(home, slow):
    status, output = run_on_terminal("pull", "a/slow.bin", cwd=slow.root, columns=60)
    assert status == 0, output
    drawn = re.findall(r"\r(\[[#.]+\] Fetching 0/1 files, [\d.]+ k?B of 200.0 kB[^\r]*)", output)
    assert drawn
    assert all(len(bar) <= 59 for bar in drawn)
    assert "\x1b" not in output
    announced, *left = [line.rpartition("\r")[2] for line in output.split("\n")]
    assert announced.endswith("200,000 bytes, to fetch")
    assert left == [
        str(slow.root / "data/a/slow.bin"),
        "1 file put in place, 1 object (200.0 kB) fetched",
        "",
    ]


@pytest.mark.parametrize("kind", ["none", "lines"])
def test_there_is_no_bar_if_it_is_not_wanted(home, slow, kind):
    status, output = run_on_terminal("pull", "a/slow.bin", "--progress", kind, cwd=slow.root)
    assert status == 0
    assert "\r" not in output
    assert len(output.splitlines()) == 3


def test_a_pipe_gets_no_escape_sequences_and_nothing_is_cut(run, slow):
    result = run("pull", "--progress", "auto", cwd=slow.root, COLUMNS="30")
    assert result.returncode == 0
    assert not ESCAPE.search(result.stdout + result.stderr)
    forced = run("pull", "--force", "--progress", "bar", "-o", "x", cwd=slow.root, NO_COLOR="1")
    assert forced.returncode == 0
    assert "\x1b" not in forced.stdout + forced.stderr
    listed = run("info", "a/slow.bin", cwd=slow.root, COLUMNS="30")
    assert str(slow.root) in listed.stdout or "a/slow.bin" in listed.stdout
    assert slow.find("a/slow.bin").digests.sha256 in listed.stdout


@pytest.mark.parametrize("arguments", [("list",), ("list", "--json"), ("list", "--help")])
def test_who_reads_only_the_beginning_gets_no_traceback(home, large, arguments, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # with it, Python may not notice
    process = subprocess.Popen(
        command("--rev", "HEAD", *arguments),
        cwd=large.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    process.stdout.read(10)
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    status = process.wait(60)
    assert said == ""
    assert status == (0 if "--help" in arguments else 141)


def test_results_are_written_where_the_encoding_cannot_show_them(run, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/one.wav", b"1", title="Höhe 高さ")
    registry.commit()
    done = run("list", cwd=registry.root, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    assert done.stdout.endswith("\tH\\xf6he \\u9ad8\\u3055\n")


@pytest.mark.skipif(os.name == "nt", reason="signals differ there")
@pytest.mark.parametrize("where", ["transfer", "git"])
def test_an_interruption_ends_at_once_with_130(start, tmp_path, where):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/one.bin", random_bytes(100_000))
    with FaultServer(registry.objects, [Stall(60)]) as server:
        registry.remote_url(server.url)
        registry.commit()
        place = ("-C", f"{server.url}/registry.git", "-o", "x") if where == "git" else ()
        process = start("pull", "a/one.bin", *place, cwd=registry.root)
        deadline = time.monotonic() + 60
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.requests
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert time.monotonic() - began < 10
    assert process.returncode == 130
    assert said.splitlines()[-1] == "interrupted"
    assert "Traceback" not in said
    assert not (registry.root / "data/a/one.bin").exists()
