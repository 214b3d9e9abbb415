"""What a deposit leaves in git: its own files staged or committed, and nobody else's."""

import os
import threading
import time

import pytest
from tests.depositing import Lab

import neurogister
from neurogister.actions.modify import Modification, modify
from neurogister.actions.rename import rename
from neurogister.actions.withdraw import withdraw
from neurogister.backends import gitwriter
from neurogister.errors import NeurogisterError, RefusedError, UsageError
from neurogister.model.table import Said


@pytest.fixture
def lab(home, tmp_path):
    return Lab(tmp_path)


def status(lab):
    return lab.git("status", "--porcelain", "--no-renames").splitlines()


def committed(lab, rev="HEAD"):
    """Return what a commit changed."""
    lines = lab.git("show", "--format=", "--name-status", "--no-renames", rev).splitlines()
    return {line.replace("\t", " ") for line in lines}


def hook(lab, name, text):
    path = lab.root / ".git" / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def make_dirty(lab):
    """Leave work of the user: staged, changed, removed, untracked."""
    for name in ("staged", "changed", "removed", "gone"):
        lab.registry.write(f"data/c/{name}.txt", name)
    lab.registry.commit()
    lab.registry.write("data/c/staged.txt", "mine")
    lab.registry.write("data/c/new.txt", "mine")
    lab.git("add", "data/c/staged.txt", "data/c/new.txt")
    lab.git("rm", "--quiet", "data/c/removed.txt")
    lab.registry.write("data/c/changed.txt", "mine")
    (lab.root / "data/c/gone.txt").unlink()
    lab.registry.write("data/c/untracked.txt", "mine")
    return [line for line in status(lab) if ".dvc" not in line]


DIRTY = [
    " M data/c/changed.txt", " D data/c/gone.txt", "A  data/c/new.txt", "D  data/c/removed.txt",
    "M  data/c/staged.txt", "?? data/c/untracked.txt",
]  # fmt: skip


def test_staging_leaves_other_work_alone(lab):
    assert sorted(make_dirty(lab)) == sorted(DIRTY)
    report = lab.deposit(lab.file())
    assert report.commit is None
    assert sorted(report.staged) == ["data/c/.gitignore", "data/c/a.bin.dvc"]
    assert sorted(status(lab)) == sorted(
        [*DIRTY, "A  data/c/.gitignore", "A  data/c/a.bin.dvc"]
    )  # fmt: skip


@pytest.mark.parametrize("branch", [None, "deposits/mine", "main"])
def test_a_commit_has_our_files_only(lab, branch):
    make_dirty(lab)
    before = lab.git("rev-parse", "main")
    report = lab.deposit(lab.file(), commit=branch is None, branch=branch)
    assert report.commit == lab.git("rev-parse", "HEAD").strip()
    assert committed(lab) == {"A data/c/.gitignore", "A data/c/a.bin.dvc"}
    assert lab.git("log", "-1", "--format=%s").strip() == "Deposit a in c"
    assert lab.git("branch", "--show-current").strip() == (branch or "main")
    assert lab.git("rev-parse", "HEAD~1") == before
    assert (lab.git("rev-parse", "main") == before) == (branch == "deposits/mine")
    assert sorted(status(lab)) == sorted(DIRTY)


@pytest.mark.parametrize(
    ("count", "subject"), [(1, "Deposit f0 in c/sub"), (3, "Deposit 3 datasets in c/sub")]
)
def test_what_commits_say(lab, count, subject):
    paths = [lab.file(f"f{n}.bin", b"%d" % n) for n in range(count)]
    lab.deposit(*paths, to="c/sub", commit=True)
    assert lab.git("log", "-1", "--format=%s").strip() == subject
    lab.put("f0.bin", b"new", new_version="f0", commit=True)
    expected = "Deposit a new version of c/sub/f0.bin"
    assert lab.git("log", "-1", "--format=%s").strip() == expected
    assert status(lab) == []


def test_staged_first_and_committed_with_the_same_command(lab):
    path = lab.file()
    lab.deposit(path)
    report = lab.deposit(path, commit=True)
    assert [each.status for each in report.deposited] == ["unchanged"]
    assert report.commit is not None
    assert status(lab) == []
    assert lab.deposit(path, commit=True).commit is None


def test_every_verb_commits_all_that_it_changed(lab):
    lab.deposit(lab.folder("f", {"x": b"x"}), commit=True)
    make_dirty(lab)
    with lab.session() as session:
        modify(session, ["f"], Modification(said=Said(title="T")), commit=True)
        assert committed(lab) == {"M data/c/f.dvc"}
        rename(session, "f", "c/g", commit=True)
        assert committed(lab) == {
            "M data/c/.gitignore", "D data/c/f.dvc", "D data/c/f.manifest.csv", "A data/c/g.dvc",
            "A data/c/g.manifest.csv",
        }  # fmt: skip
        withdraw(session, ["f"], "why", commit=True)
        assert committed(lab) >= {"D data/c/g.dvc", "A data/c/g.yaml"}
    assert sorted(status(lab)) == sorted(DIRTY)


def test_hooks_run(lab):
    hook(lab, "pre-commit", "git diff --cached --name-only > hooked.txt")
    hook(lab, "commit-msg", 'echo "Signed-off-by: hook" >> "$1"')
    lab.deposit(lab.file(), commit=True)
    said = (lab.root / "hooked.txt").read_text().splitlines()
    assert sorted(said) == ["data/c/.gitignore", "data/c/a.bin.dvc"]
    assert "Signed-off-by: hook" in lab.git("log", "-1", "--format=%B")


def test_a_hook_that_refuses(lab):
    """The deposit stays staged, and the same command completes it."""
    path = lab.file()
    refusing = hook(lab, "pre-commit", "echo 'no pointers on Fridays' >&2; exit 1")
    head = lab.git("rev-parse", "HEAD")
    with pytest.raises(NeurogisterError, match="no pointers on Fridays"):
        lab.deposit(path, commit=True)
    assert lab.git("rev-parse", "HEAD") == head
    assert lab.staged() == {"A data/c/.gitignore", "A data/c/a.bin.dvc"}
    lab.check_clean()
    refusing.unlink()
    assert lab.deposit(path, commit=True).commit
    assert status(lab) == []


def test_another_git_at_work_is_waited_for(lab):
    lock = lab.root / ".git" / "index.lock"
    lock.touch()
    timer = threading.Timer(0.3, lock.unlink)
    timer.start()
    try:
        assert lab.deposit(lab.file(), commit=True).commit
    finally:
        timer.join()
    assert status(lab) == []


def test_a_lock_that_somebody_left(lab, monkeypatch):
    monkeypatch.setattr(gitwriter, "_PATIENCE", 0.2)
    path = lab.file()
    lock = lab.root / ".git" / "index.lock"
    lock.touch()
    begin = time.monotonic()
    with pytest.raises(NeurogisterError, match=r"index\.lock"):
        lab.deposit(path, commit=True)
    assert time.monotonic() - begin < 10
    lock.unlink()
    assert lab.deposit(path, commit=True).commit
    assert status(lab) == []


def test_nobody_knows_who_commits(lab, monkeypatch):
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME",
                 "GIT_COMMITTER_EMAIL", "EMAIL"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    lab.git("config", "user.useConfigOnly", "true")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "0")
    path = lab.file()
    for options in ({"commit": True}, {"branch": "new"}):
        with lab.unchanged(), pytest.raises(RefusedError, match="who you are") as caught:
            lab.deposit(path, **options)
        assert "user.name" in caught.value.hint
    lab.deposit(path)
    assert lab.record("c/a.bin").created_by


def make_merge(lab):
    lab.git("switch", "--quiet", "--create", "other")
    lab.registry.write("data/c/x.txt", "theirs")
    lab.registry.commit()
    lab.git("switch", "--quiet", "main")
    lab.registry.write("data/c/x.txt", "ours")
    lab.registry.commit()
    with pytest.raises(RuntimeError):
        lab.git("merge", "--quiet", "other")


def test_a_merge_is_going_on(lab):
    make_merge(lab)
    path = lab.file()
    with lab.unchanged(), pytest.raises(RefusedError, match="merge is going on"):
        lab.deposit(path, commit=True)
    lab.deposit(path)
    lab.registry.write("data/c/x.txt", "both")
    lab.registry.commit("Merge")
    assert "data/c/a.bin.dvc" in lab.git("ls-tree", "-r", "--name-only", "HEAD").split()


@pytest.mark.parametrize("pattern", ["*.dvc", "data/c/", "a.bin.dvc", "/data"])
def test_git_ignores_pointers(lab, pattern):
    lab.registry.write(".gitignore", f"{pattern}\n")
    lab.registry.commit()
    path = lab.file()
    with lab.unchanged(), pytest.raises(RefusedError, match="git ignores") as caught:
        lab.deposit(path)
    assert ".gitignore" in caught.value.hint


def test_git_ignores_manifests(lab):
    lab.registry.write(".gitignore", "*.csv\n")
    path = lab.folder("f", {"x": b"x"})
    with lab.unchanged(), pytest.raises(RefusedError, match="git ignores"):
        lab.deposit(path)


def test_a_branch_that_is_there(lab):
    lab.git("branch", "other")
    path = lab.file()
    with lab.unchanged(), pytest.raises(RefusedError, match="another one is checked out"):
        lab.deposit(path, branch="other")
    with lab.unchanged(), pytest.raises(UsageError):
        lab.deposit(path, branch="a b")


def test_a_branch_whose_name_is_in_the_way_of_another(lab):
    """`main/x` cannot be beside `main`."""
    path = lab.file()
    with lab.unchanged(), pytest.raises(NeurogisterError, match="main/x"):
        lab.deposit(path, branch="main/x")


def test_detached(lab):
    lab.git("switch", "--quiet", "--detach", "HEAD")
    report = lab.deposit(lab.file(), commit=True)
    assert lab.git("rev-parse", "HEAD").strip() == report.commit
    lab.deposit(lab.file("b.bin", b"b"), branch="found")
    assert lab.git("branch", "--show-current").strip() == "found"


def test_before_the_first_commit(lab):
    lab.git("update-ref", "-d", "HEAD")
    lab.git("rm", "-r", "--quiet", "--cached", ".")
    report = lab.deposit(lab.file(), commit=True)
    assert report.commit
    assert committed(lab) == {"A data/c/.gitignore", "A data/c/a.bin.dvc"}


def test_in_a_second_work_tree(lab, tmp_path):
    lab.git("worktree", "add", "--quiet", "-b", "second", str(tmp_path / "second"))
    main = lab.root
    lab.root = lab.registry.root = tmp_path / "second"
    assert lab.deposit(lab.file(), commit=True).commit
    assert lab.git("log", "-1", "--format=%s", "second").strip() == "Deposit a in c"
    assert not (main / "data/c/a.bin.dvc").exists()
    lab.root = lab.registry.root = main
    with pytest.raises(RefusedError, match="identifier"):
        lab.deposit(lab.file("a.wav", b"other"))


def test_names_that_git_quotes_or_takes_for_patterns(lab):
    for to in ("c/naïve 脳", "c/[x]", "c/a b"):
        report = lab.deposit(lab.file("f.bin", to.encode()), to=to, auto_id=True, commit=True)
        assert report.commit
        assert committed(lab) == {
            f"A {path}" if path.isascii() and '"' not in path else line
            for path, line in zip(
                sorted(report.staged), sorted(committed(lab)), strict=True
            )
        }  # fmt: skip
    assert status(lab) == []


def test_settings_of_git_that_change_what_it_prints(lab):
    for key, value in {
        "status.short": "true", "status.branch": "true", "status.relativePaths": "true",
        "color.ui": "always", "core.quotePath": "true", "status.renames": "copies",
        "core.autocrlf": "true", "core.safecrlf": "warn", "commit.verbose": "true",
        "status.showUntrackedFiles": "no", "commit.status": "false",
    }.items():  # fmt: skip
        lab.git("config", key, value)
    lab.put("a.bin", b"a", commit=True)
    with lab.session() as session:
        rename(session, "a", "c/b.bin", commit=True)
    assert status(lab) == []
    with neurogister.open(lab.root) as registry:
        assert [item.name for item in registry.list()] == ["c/b.bin"]


def test_bytes_in_a_remote_inside_the_registry_get_into_git(lab):
    lab.registry.remote_url("../store-of-bytes")
    lab.registry.commit()
    report = lab.deposit(lab.file(), push=True, commit=True)
    [one] = report.deposited
    key = f"store-of-bytes/files/md5/{one.md5[:2]}/{one.md5[2:]}"
    assert f"A {key}" in committed(lab)
    assert status(lab) == []
