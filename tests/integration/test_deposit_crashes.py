"""Killed before any of its writes: the registry is as it was, or the same command completes it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.depositing import Lab
from tests.factories import random_bytes

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are of POSIX")

CRASHING = Path(__file__).with_name("crashing.py")


@pytest.fixture
def lab(home, tmp_path):
    """A registry in a folder that can be copied: its remote and the inbox are in it, too."""
    folder = tmp_path / "template"
    folder.mkdir()
    lab = Lab(folder, objects=folder / "remote", url="../../remote")
    lab.git("config", "core.fsync", "none")
    lab.put("old.bin", b"old", id="old", commit=True, metadata={"age": 1})
    lab.deposit(lab.folder("f", {"x": b"x", "y/z": b"z"}), id="fold", commit=True)
    return lab


def crash(lab, *arguments, kind="SIGKILL"):
    """Kill a command before each of its writes; return what was found each time."""
    template = lab.inbox.parent
    done = subprocess.run(
        [sys.executable, str(CRASHING), str(template), str(template.parent / "work"), kind,
         json.dumps(arguments)],
        check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    undisturbed, *tries = map(json.loads, done.stdout.splitlines())
    assert undisturbed["killed"][0] == 0, undisturbed["killed"][1]
    assert len(tries) >= 4
    return undisturbed, tries


def check(lab, *arguments, kind="SIGKILL", status=-9):
    """Check that each kill leaves the old state, or one that the same command completes."""
    undisturbed, tries = crash(lab, *arguments, kind=kind)
    wanted = undisturbed["end"]
    for each in tries:
        where = f"killed before write {each['number']}"
        assert each["killed"][0] in (status, 99), f"{where}: {each['killed']}"
        assert "Traceback" not in each["killed"][1], where
        code, said = each["listed"]
        assert code == 0, f"{where}: {said}"
        assert "broken" not in said, f"{where}: {said}"
        code, said = each["again"]
        assert code == 0, f"{where}: {said}; left was {each['left']}"
        for part in wanted:
            if part == "log":
                assert len(each["end"][part]) == len(wanted[part]), f"{where}: {part}"
            elif part not in ("work", "objects"):
                assert each["end"][part] == wanted[part], f"{where}: {part}"
        assert set(each["end"]["objects"]) >= set(wanted["objects"]), where
        assert not [name for name in each["end"]["files"] if name.endswith(".tmp")], where
    return tries


SOURCES = ["../inbox/new.bin", "../inbox/f2"]


@pytest.fixture
def inbox(lab):
    lab.file("new.bin", b"new")
    lab.folder("f2", {"a": b"a", "b": b"b"})
    return lab


def test_deposit(inbox):
    options = ["--to", "made/sub", "--new-collection", "--commit", "--push"]
    check(inbox, "deposit", *SOURCES, *options)


def test_deposit_on_a_branch(inbox):
    options = ["--to", "c", "--branch", "mine", "--auto-id", "--no-push"]
    check(inbox, "deposit", SOURCES[0], *options)


def test_deposit_of_large_files_that_are_moved(lab):
    lab.file("large.bin", random_bytes(5_000_000))
    lab.file("small.bin", b"small")
    names = ["../inbox/large.bin", "../inbox/small.bin"]
    undisturbed, tries = crash(lab, "deposit", *names, "--to", "c", "--no-push", "--move")
    for each in tries:
        files = each["end"]["files"]
        for name in ("large", "small"):
            there = [f"inbox/{name}.bin" in files, f"registry/data/c/{name}.bin" in files]
            assert any(there), f"killed before write {each['number']}: {name} is lost"
        if {"inbox/large.bin", "inbox/small.bin"} <= each["left"]["files"].keys():
            assert each["again"][0] == 0, each["again"][1]
            assert files == undisturbed["end"]["files"]


def test_new_version_of_a_folder(inbox):
    check(inbox, "deposit", "../inbox/f2", "--new-version", "fold", "--no-push", "-k", "a=1")


def test_modify(lab):
    check(lab, "modify", "old", "fold", "-k", "age=7", "--title", "T", "--commit")


def test_withdraw(lab):
    check(lab, "withdraw", "old", "fold", "--reason", "a face in it", "--commit")


@pytest.mark.parametrize("name", ["fold", "c/fold"])
def test_rename(lab, name):
    check(lab, "rename", name, "other/place", "--new-collection", "--commit")


def test_dtype(lab):
    lab.file("schema.json", b'{"type": "object"}')
    check(lab, "dtype", "add", "eeg", "--schema", "../inbox/schema.json", "--commit")


def test_ctrl_c(inbox):
    options = ["--to", "c", "--commit", "--no-push"]
    check(inbox, "deposit", *SOURCES, *options, kind="SIGINT", status=130)
