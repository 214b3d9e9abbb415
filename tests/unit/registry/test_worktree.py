"""Files of a work tree, and nothing outside it."""

import hashlib
import os

import pytest

from neurogister.registry.worktree import LINK, blob_id, read_worktree


@pytest.fixture(params=["by descriptor", "by path"])
def either_way(request, monkeypatch):
    if request.param == "by path":
        monkeypatch.setattr("neurogister.registry.worktree._BY_DESCRIPTOR", False)
    return request.param


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "root"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "x").write_bytes(b"content")
    (tmp_path / "secret").write_bytes(b"secret")
    return root


def test_a_file_is_read(root, either_way):
    assert read_worktree(root, "a/b/x") == ("100644", b"content")
    assert read_worktree(root, "a/b/x", limit=3).data == b"cont"
    (root / "a" / "b" / "x").chmod(0o755)
    assert read_worktree(root, "a/b/x").mode == ("100755" if os.name == "posix" else "100644")


@pytest.mark.parametrize(
    "path", ["nothing", "a/nothing", "a/b", "a", "a/b/x/y", "../secret", "a/../a/b/x", "a//b/x", ""]
)
def test_what_is_no_file_is_not_read(root, either_way, path):
    assert read_worktree(root, path) is None


def test_links_are_told_and_not_followed(root, either_way, tmp_path):
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path)
    (root / "broken").symlink_to("nowhere")
    assert read_worktree(root, "link") == (LINK, b"")
    assert read_worktree(root, "broken") == (LINK, b"")
    assert read_worktree(root, "folder/secret") is None


def test_a_pipe_is_not_read(root, either_way):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    os.mkfifo(root / "pipe")
    assert read_worktree(root, "pipe") is None


def test_reading_leaves_nothing_open(root, either_way):
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for path in ("a/b/x", "a/b", "nothing", "a/b/x/y"):
        read_worktree(root, path)
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


def test_ids_are_git_s():
    assert blob_id(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert blob_id(b"x", "sha256") == hashlib.sha256(b"blob 1\0x").hexdigest()
