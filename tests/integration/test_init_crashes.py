"""Killed before any of its writes, `init` is completed by the same command."""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.factories import make_registry
from tests.integration.test_deposit_crashes import check

import neurogister

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are of POSIX")


@pytest.fixture
def template(home, tmp_path, monkeypatch):
    """A DVC repository of somebody, in a folder that can be copied."""
    settings = home / "gitconfig"
    settings.write_text(
        "[user]\n\tname = Somebody\n\temail = somebody@example.org\n[core]\n\tfsync = none\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("NEUROGISTER_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "template"
    registry = make_registry(
        folder / "registry", objects=folder / "remote", url="../../remote", plain=True
    )
    registry.add_file("c/a.bin", b"aaa", record=False)
    registry.add_file("c/b.bin", b"bbb", record=False)
    registry.add_folder("d/f", {"x": b"x"}, record=False)
    registry.commit("Add data")
    return SimpleNamespace(inbox=folder / "inbox", root=registry.root)


def test_a_new_registry(template):
    check(template, "init", "../new")


def test_an_adopted_repository_with_identifiers(template):
    check(template, "init", "--adopt", "--assign-ids", "--commit")


def test_an_adopted_repository_that_is_only_staged(template):
    check(template, "init", "--adopt", "--assign-ids")


@pytest.mark.parametrize("left", [[], ["HEAD"], ["HEAD", "objects", "refs"], ["HEAD", "config"]])
def test_a_repository_that_git_made_by_half(template, tmp_path, left):
    root = tmp_path / "new"
    root.mkdir()
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "whole")], check=True)
    (root / ".git").mkdir()
    for name in left:
        if name in ("objects", "refs"):
            (root / ".git" / name).mkdir()
        else:
            data = (tmp_path / "whole/.git" / name).read_bytes()
            (root / ".git" / name).write_bytes(data)
    report = neurogister.init(root)
    assert report.commit
    status = ["git", "-C", str(root), "status", "--porcelain"]
    assert subprocess.run(status, check=True, capture_output=True).stdout == b""


def test_two_at_once(template, tmp_path, start):
    root = tmp_path / "new"
    root.mkdir()
    both = [start("init", cwd=root) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    log = ["git", "-C", str(root), "log", "--format=%s"]
    assert subprocess.run(log, check=True, capture_output=True).stdout == (
        b"Make the registry new\n"
    )
    assert not neurogister.init(root).changed
    assert [each for each in Path(root).iterdir() if each.name.endswith(".tmp")] == []
