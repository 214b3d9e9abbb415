"""A new registry in one command: valid, works with plain DVC, whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.servers import FAST, s3_server

import neurogister
from neurogister.errors import RefusedError, UsageError
from neurogister.registry.schemas import check_files, schema_files


@pytest.fixture
def settings(home, monkeypatch):
    """Git's settings of the user, in a file of the home: never those of this machine."""
    path = home / "gitconfig"
    path.write_text("")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{name}_NAME", raising=False)
        monkeypatch.delenv(f"GIT_{name}_EMAIL", raising=False)
    return path


@pytest.fixture
def who(settings):
    """Somebody whom git knows."""
    settings.write_text("[user]\n\tname = Somebody\n\temail = somebody@example.org\n")
    return settings


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True
    ).stdout


def dvc(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=root, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def files_of(root: Path) -> dict[str, bytes]:
    """Return the files that are neither git's nor temporary."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not {".git", "tmp"} & {*path.relative_to(root).parts}
    }


def test_a_new_registry_is_complete_valid_and_committed(who, tmp_path):
    report = neurogister.init(tmp_path / "new/song birds", title='Songs: "all" #1')

    root = tmp_path / "new/song birds"
    files = files_of(root)
    assert (report.path, report.name, report.changed) == (root, "song-birds", True)
    assert sorted(files) == list(report.created) == sorted(git(root, "ls-files").splitlines())
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "log", "--format=%H %an %s") == (
        f"{report.commit} Somebody Make the registry song-birds\n"
    )
    assert git(root, "symbolic-ref", "HEAD") == "refs/heads/main\n"
    assert check_files(files) == []
    for path in schema_files().values():
        assert files[f"schemas/{path.name}"] == path.read_bytes()
    assert not [name for name, data in files.items() if b"@NAME@" in data or b"@TITLE@" in data]
    with neurogister.open(root) as registry:
        info = registry._session.reader.info()
        assert (info.name, info.title) == ("song-birds", 'Songs: "all" #1')
        assert info.policy == type(info.policy)()  # what is written out are the defaults
        assert registry._session.config.notes == ()
        assert registry._session.config.remote().flag("verify")


def test_dvc_files_are_those_of_dvc_init(who, tmp_path):
    neurogister.init(tmp_path / "ours", remote="s3://bucket/with%20blank")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    git(theirs, "init", "--quiet")
    dvc(theirs, "init", "--quiet")
    dvc(theirs, "remote", "add", "--quiet", "-d", "storage", "s3://bucket/with%20blank")
    dvc(theirs, "remote", "modify", "storage", "verify", "true")

    assert (tmp_path / "ours/.dvc/.gitignore").read_bytes() == (
        theirs / ".dvc/.gitignore"
    ).read_bytes()
    listed = dvc(theirs, "config", "--list")
    assert sorted(dvc(tmp_path / "ours", "config", "--list").split()) == sorted(listed.split())
    assert (tmp_path / "ours/.dvcignore").exists() and (theirs / ".dvcignore").exists()


def test_deposits_work_at_once_and_plain_dvc_agrees(who, tmp_path, run):
    root = tmp_path / "r"
    neurogister.init(root)
    (tmp_path / "x.bin").write_bytes(b"bytes")
    done = run("deposit", tmp_path / "x.bin", "--to", "c", "--new-collection", "--commit", cwd=root)
    assert done.returncode == 0, done.stderr
    assert git(root, "status", "--porcelain") == ""
    assert "up to date" in dvc(root, "status")
    assert "in sync" in dvc(root, "status", "--cloud")
    (root / "data/c/x.bin").unlink()
    (root / "data/other").mkdir()
    (root / "data/other/y.bin").write_bytes(b"y")
    dvc(root, "add", "--quiet", "data/other/y.bin")
    dvc(root, "push", "--quiet")
    dvc(root, "pull", "--quiet")
    assert (root / "data/c/x.bin").read_bytes() == b"bytes"
    assert "dvc version" in dvc(root, "doctor").lower()
    assert run("doctor", cwd=root).returncode == 0
    again = neurogister.init(root)
    assert (again.changed, again.created, again.commit) == (False, (), None)


def test_a_remote_in_the_cloud_gets_what_is_deposited(who, tmp_path, run):
    with s3_server(tmp_path / "s3", options=FAST) as server:
        server.bucket("lab")
        root = tmp_path / "r"
        neurogister.init(root, remote="s3://lab/place")
        for name, value in server.dvc_options.items():
            dvc(root, "remote", "modify", "--quiet", "--local", "storage", name, value)
        (tmp_path / "x.bin").write_bytes(b"bytes")
        done = run("deposit", tmp_path / "x.bin", "--to", "c", "--new-collection", cwd=root)
        assert done.returncode == 0, done.stderr
        assert "in sync" in dvc(root, "status", "--cloud")
    assert not (root / "remote").exists()


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        (None, "../remote"),
        ("s3://bucket/place", "s3://bucket/place"),
        ("gs://bucket", "gs://bucket"),
        ("azure://container/a", "azure://container/a"),
        ("https://example.org/a, b", '"https://example.org/a, b"'),
        ("ssh://me@example.org/lab", "ssh://me@example.org/lab"),
        ("bytes/here", "../bytes/here"),
        ("../elsewhere", "OUTSIDE"),
    ],
)
def test_remotes(who, tmp_path, monkeypatch, remote, url):
    root = tmp_path / "r"
    root.mkdir()
    monkeypatch.chdir(root)
    neurogister.init(remote=remote)
    url = url.replace("OUTSIDE", (tmp_path / "elsewhere").as_posix())
    assert f"    url = {url}\n    verify = true\n" in (root / ".dvc/config").read_text()
    assert "storage" in dvc(root, "remote", "list")
    if url.startswith("../"):
        folder = url[3:]
        assert (root / folder / ".gitkeep").exists()
        assert f"\n/{folder}/\n" in (root / ".dvcignore").read_text()
        assert f"\n/{folder}/** -text\n" in (root / ".gitattributes").read_text()


@pytest.mark.parametrize(
    ("remote", "said"),
    [
        ("https://me:hunter2@example.org/a", "credentials"),
        ("https://hunter2@example.org/a", "credentials"),
        ("https://example.org/a?sig=hunter2", "credentials"),
        ("s3://key:hunter2@bucket", "credentials"),
        ("ext::sh -c x", None),
        ("ext://x/y", "DVC knows no ext"),
        ("s3://", "names no host or bucket"),
        ("--x", "not a remote"),
        ("s3://b/\nx", "not a remote"),
        (".", "needs that folder"),
        ("data/x", "needs that folder"),
        (".git", "needs that folder"),
        (".dvc/cache", "needs that folder"),
    ],
)
def test_what_cannot_be_a_remote_is_refused(who, tmp_path, monkeypatch, remote, said):
    root = tmp_path / "r"
    root.mkdir()
    monkeypatch.chdir(root)
    if said is None:  # a folder of a strange name: no command, and no protocol
        neurogister.init(remote=remote)
        assert (root / remote / ".gitkeep").exists()
        return
    with pytest.raises(UsageError, match=said) as caught:
        neurogister.init(remote=remote)
    assert "hunter2" not in str(caught.value) + str(caught.value.hint)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", ["", "a b", "-x", "x" * 65, "<b>", "ä"])
def test_what_cannot_be_a_name_is_refused(who, tmp_path, name):
    with pytest.raises(UsageError, match="cannot be called so"):
        neurogister.init(tmp_path / "r", name=name)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("title", ["", "<b>x</b>", "two\nlines", "=1+1", "\u202e"])
def test_what_cannot_be_a_title_is_refused(who, tmp_path, title):
    with pytest.raises(UsageError, match="cannot be called so"):
        neurogister.init(tmp_path / "r", title=title)


@pytest.mark.parametrize("name", ["123", "1e5", "null", "true", "0x10", "a.b-c_d"])
def test_a_name_that_yaml_takes_for_something_else_is_text(who, tmp_path, name):
    neurogister.init(tmp_path / "r", name=name, title=name)
    with neurogister.open(tmp_path / "r") as registry:
        assert registry._session.reader.info().name == name


def test_the_folder_may_have_files_of_the_user(who, tmp_path):
    (tmp_path / "r/notes").mkdir(parents=True)
    (tmp_path / "r/notes/a.txt").write_text("mine")
    report = neurogister.init(tmp_path / "r")
    assert report.changed
    assert git(tmp_path / "r", "status", "--porcelain") == "?? notes/\n"


def test_no_file_of_the_user_is_overwritten(who, tmp_path):
    root = tmp_path / "r"
    root.mkdir()
    (root / "README.md").write_text("mine\n")
    with pytest.raises(RefusedError, match=r"say something else.*: README\.md") as caught:
        neurogister.init(root)
    assert "--adopt" in caught.value.hint
    assert files_of(root) == {"README.md": b"mine\n"}
    assert not (root / ".git").exists()


@pytest.mark.parametrize("where", ["README.md", "data", ".dvc", "schemas", "remote", ".gitignore"])
@pytest.mark.parametrize("kind", ["link", "loose link", "other"])
def test_what_is_not_a_file_or_folder_is_in_the_way(who, tmp_path, where, kind):
    root, outside = tmp_path / "r", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    if kind != "other":
        (root / where).symlink_to(outside if kind == "link" else tmp_path / "nothing")
    elif "." in where[1:] or where == ".gitignore":
        (root / where).mkdir()
    else:
        (root / where).write_text("a file")
    with pytest.raises(RefusedError):
        neurogister.init(root)
    assert [path.name for path in root.iterdir()] == [where]
    assert list(outside.iterdir()) == []


def test_a_folder_inside_another_repository_is_refused(who, tmp_path):
    neurogister.init(tmp_path / "r")
    for path in ("r/data", "r/data/new"):
        with pytest.raises(RefusedError, match="inside the git repository"):
            neurogister.init(tmp_path / path)
    assert not (tmp_path / "r/data/new").exists()


def test_without_a_name_in_git_nothing_is_made(settings, tmp_path):
    settings.write_text("[user]\n\tuseConfigOnly = true\n")
    for root in (tmp_path / "new/r", tmp_path / "empty"):
        if root.name == "empty":
            root.mkdir()
        with pytest.raises(RefusedError, match="does not know who you are") as caught:
            neurogister.init(root)
        assert "git config --global user.name" in caught.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "home"]
    assert list((tmp_path / "empty").iterdir()) == []
    assert neurogister.init(tmp_path / "empty", commit=False).commit is None


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
@pytest.mark.parametrize("there", [False, True])
def test_if_git_does_not_take_it_nothing_is_left(who, tmp_path, there):
    hooks = tmp_path / "templates/hooks"
    hooks.mkdir(parents=True)
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    with who.open("a") as stream:
        stream.write(f"[init]\n\ttemplateDir = {tmp_path / 'templates'}\n")
    root = tmp_path / "new/r"
    if there:
        (root / "mine").mkdir(parents=True)
    with pytest.raises(neurogister.NeurogisterError):
        neurogister.init(root)
    assert [path.name for path in root.iterdir()] == ["mine"] if there else not root.parent.exists()


def test_dry_run_makes_nothing(who, tmp_path):
    report = neurogister.init(tmp_path / "r", dry_run=True)
    assert report.changed and "registry.yaml" in report.created
    assert not (tmp_path / "r").exists()
    neurogister.init(tmp_path / "r", commit=False)
    assert git(tmp_path / "r", "diff", "--cached", "--name-only").splitlines()
    assert neurogister.init(tmp_path / "r", dry_run=True).changed  # to be committed
    assert not neurogister.init(tmp_path / "r", commit=False, dry_run=True).changed
    assert neurogister.init(tmp_path / "r").commit
    assert not neurogister.init(tmp_path / "r", dry_run=True).changed


def test_an_empty_configuration_of_dvc_init_is_filled(who, tmp_path):
    root = tmp_path / "r"
    root.mkdir()
    git(root, "init", "--quiet")
    dvc(root, "init", "--quiet")
    (root / ".dvcignore").unlink()
    assert neurogister.init(root).changed
    assert "remote = storage" in (root / ".dvc/config").read_text()


def test_what_is_lacking_is_made_again(who, tmp_path):
    root = tmp_path / "r"
    neurogister.init(root, title="T")
    (root / "CONTRIBUTING.md").unlink()
    (root / "registry.yaml").unlink()
    report = neurogister.init(root, title="T")
    assert report.created == ("CONTRIBUTING.md", "registry.yaml")
    assert report.commit is None  # they are as the last commit has them
    assert git(root, "status", "--porcelain") == ""


def test_it_passes_its_own_validation(who, tmp_path, run):
    root = tmp_path / "r"
    neurogister.init(root)
    (tmp_path / "x.bin").write_bytes(b"bytes")
    for _ in range(2):
        done = run("validate", cwd=root)
        assert done.returncode == 0, done.stdout
        done = run("deposit", tmp_path / "x.bin", "--to", "c", "--new-collection", "--id", "x",
                   "--license", "CC0-1.0", "--commit", cwd=root)  # fmt: skip
        assert done.returncode == 0, done.stderr
