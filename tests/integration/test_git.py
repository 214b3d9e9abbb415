"""Reading git: repositories on this machine, and partial copies of remote ones."""

import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.servers import git_http_server, run_git

from neurogister.backends.git import Repository, find_top
from neurogister.backends.gitprogram import error_of
from neurogister.backends.mirror import Mirror
from neurogister.errors import (
    CredentialsError,
    NetworkError,
    NeurogisterError,
    NoSpaceError,
    NotFoundError,
    OfflineError,
    RefusedError,
    UsageError,
)

pytestmark = pytest.mark.usefixtures("home")


class History:
    """A repository with some commits; each file's content is its path and the commit's number."""

    def __init__(self, root):
        self.root = root
        self.commits = []
        run_git("init", "--quiet", "--initial-branch=main", str(root))

    def commit(self, *paths, **contents):
        number = len(self.commits)
        for path in paths:
            self.write(path, f"{path} {number}\n")
        for path, content in contents.items():
            self.write(path, content)
        run_git("add", "--all", folder=self.root)
        run_git("commit", "--quiet", "--allow-empty", "-m", f"commit {number}", folder=self.root)
        self.commits.append(run_git("rev-parse", "HEAD", folder=self.root).strip())
        return self.commits[-1]

    def write(self, path, content):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)

    def __call__(self, *arguments):
        return run_git(*arguments, folder=self.root).strip()


@pytest.fixture
def history(tmp_path):
    history = History(tmp_path / "work")
    history.commit("a.txt", "data/b.txt", "data/c.txt")
    history.commit("data/b.txt")
    history.commit("data/d.txt")
    history("tag", "v1", history.commits[0])
    history("tag", "-a", "-m", "annotated", "v2", history.commits[1])
    history("branch", "side", history.commits[1])
    return history


@pytest.fixture
def url(history):
    history("config", "uploadpack.allowFilter", "true")
    history("config", "uploadpack.allowAnySHA1InWant", "true")
    return history.root.as_uri()


@pytest.fixture
def mirror(url, tmp_path):
    return Mirror(url, tmp_path / "cache")


def read(repository, commit, *paths):
    entries = repository.find_entries(commit, paths)
    contents = dict(repository.read_blobs([entry.oid for entry in entries.values()]))
    return {path: contents[entry.oid].decode() for path, entry in entries.items()}


def objects(mirror, kind=None):
    """What the copy holds, without letting git fetch anything."""
    output = run_git(
        "cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)",
        folder=mirror.git_dir,
    )  # fmt: skip
    lines = [line.split() for line in output.splitlines()]
    return {oid for each, oid in lines if kind is None or each == kind}


# Repositories on this machine.


def test_a_work_tree_is_found_from_inside(history):
    assert find_top(history.root / "data") == history.root
    repository = Repository.open(history.root)
    assert repository.worktree == history.root
    assert repository.head == history.commits[-1]


def test_a_bare_repository_is_found_by_its_folder_only(history, tmp_path):
    bare = tmp_path / "bare.git"
    run_git("clone", "--quiet", "--bare", str(history.root), str(bare))
    assert find_top(bare) == bare
    assert find_top(bare / "objects") is None
    repository = Repository.open(bare)
    assert repository.worktree is None
    assert read(repository, history.commits[0], "a.txt") == {"a.txt": "a.txt 0\n"}


def test_what_is_no_repository_is_said_to_be_none(tmp_path):
    (tmp_path / "empty").mkdir()
    assert find_top(tmp_path / "empty") is None
    with pytest.raises(NotFoundError, match="not a git repository"):
        Repository.open(tmp_path / "empty")


def test_a_linked_work_tree_is_a_repository_of_its_own(history, tmp_path):
    linked = tmp_path / "linked"
    history("worktree", "add", "--quiet", "--detach", str(linked), "v1")
    repository = Repository.open(linked)
    assert repository.head == history.commits[0]
    assert repository.key != Repository.open(history.root).key
    assert read(repository, history.commits[2], "data/d.txt") == {"data/d.txt": "data/d.txt 2\n"}


@pytest.mark.parametrize("rev", ["HEAD", "main", "v1", "v2", "side", "HEAD~1", "v1^{commit}"])
def test_revisions_are_what_git_says(history, rev):
    expected = history("rev-parse", f"{rev}^{{commit}}")
    assert Repository.open(history.root).resolve(rev) == expected
    assert Repository.open(history.root).resolve(expected[:10]) == expected


@pytest.mark.parametrize("rev", ["nowhere", "v1..v2", "0" * 40, "main:data", "main@{9}"])
def test_an_unknown_revision_is_not_found(history, rev):
    with pytest.raises(NotFoundError, match="revision"):
        Repository.open(history.root).resolve(rev)


@pytest.mark.parametrize("rev", ["", "-x", "--help", "a\nb", "--output=x", "a\x00b"])
def test_a_revision_that_could_be_an_option_is_refused(history, rev):
    with pytest.raises(UsageError, match="revision"):
        Repository.open(history.root).resolve(rev)


@pytest.mark.parametrize("url", ["--upload-pack=touch x", "-u", ""])
def test_a_url_that_could_be_an_option_is_refused(tmp_path, url):
    with pytest.raises(UsageError, match="URL"):
        Mirror(url, tmp_path)


@pytest.mark.parametrize("url", ["ext::sh -c 'touch gotcha'", "fd::17", "ftp://localhost/x"])
def test_protocols_that_run_things_are_refused(tmp_path, url, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RefusedError, match=r"not allowed|not supported"):
        Mirror(url, tmp_path / "cache").resolve("HEAD")
    assert not (tmp_path / "gotcha").exists()


def test_many_blobs_are_read_in_one_go(history):
    repository = Repository.open(history.root)
    entries = repository.list_tree(history.commits[-1])
    assert [entry.path for entry in entries] == ["a.txt", "data/b.txt", "data/c.txt", "data/d.txt"]
    contents = dict(repository.read_blobs(entry.oid for entry in entries))
    assert contents[entries[1].oid] == b"data/b.txt 1\n"
    assert dict(repository.read_blobs([entries[0].oid], limit=3)) == {entries[0].oid: b"a.tx"}


def test_reading_can_stop_in_the_middle(history):
    history.commit(**{f"f{number}": "x" * 100_000 + str(number) for number in range(50)})
    repository = Repository.open(history.root)
    stream = repository.read_blobs(entry.oid for entry in repository.list_tree("HEAD"))
    next(stream)
    stream.close()


def test_a_missing_object_is_named(history):
    with pytest.raises(NotFoundError, match="1" * 40):
        list(Repository.open(history.root).read_blobs(["1" * 40]))


def test_differences_between_commits(history):
    history("rm", "--quiet", "a.txt")
    history.commit("data/b.txt")
    changes = Repository.open(history.root).diff_trees(history.commits[2], history.commits[3])
    assert {(each.path, each.mode) for each in changes} == {
        ("a.txt", None),
        ("data/b.txt", "100644"),
    }


def test_what_is_not_committed_is_seen_at_once(history):
    repository = Repository.open(history.root)
    history.write("data/new.txt", "new")
    history.write("data/b.txt", "changed")
    (history.root / "a.txt").unlink()
    history.write("data/staged.txt", "staged")
    history("add", "data/staged.txt")
    changes = {each.path: each for each in repository.uncommitted(repository.head, ["*.txt"])}
    assert changes["a.txt"].mode is None
    assert changes["data/b.txt"].oid is None
    assert changes["data/new.txt"].oid is None
    assert changes["data/staged.txt"].oid == history("rev-parse", ":data/staged.txt")


def test_an_ignored_file_is_not_seen(history):
    history.write(".gitignore", "*.txt\n")
    history.write("data/new.txt", "new")
    assert Repository.open(history.root).uncommitted("HEAD", ["*.txt"]) == []


def test_before_the_first_commit_everything_is_uncommitted(tmp_path):
    history = History(tmp_path / "work")
    history.write("a.txt", "a")
    history.write("b.txt", "b")
    history("add", "a.txt")
    repository = Repository.open(history.root)
    assert repository.head is None
    assert repository.find_head() is None
    changes = repository.uncommitted(None, ["*.txt"])
    assert {each.path for each in changes} == {"a.txt", "b.txt"}


def test_the_log_of_a_file_has_its_states(history):
    history("rm", "--quiet", "data/b.txt")
    history.commit()
    history.commit("data/b.txt")
    log = Repository.open(history.root).log("HEAD", "data/b.txt")
    expected = [history.commits[number] for number in (0, 1, 3, 4)]
    assert [each.oid for each in log] == expected
    assert [each.blob is None for each in log] == [False, False, True, False]
    assert {each.author for each in log} == {"Test Author"}


def test_the_log_of_a_merge_has_what_the_merge_made(history):
    history("checkout", "--quiet", "-b", "left")
    history.commit(**{"data/b.txt": "left"})
    history("checkout", "--quiet", "-b", "right", "main")
    history.commit(**{"data/b.txt": "right"})
    subprocess.run(["git", "-C", history.root, "merge", "left"], capture_output=True, check=False)
    history.write("data/b.txt", "both")
    history("add", "data/b.txt")
    history("commit", "--quiet", "-m", "merge")
    repository = Repository.open(history.root)
    log = repository.log("HEAD", "data/b.txt")
    contents = dict(repository.read_blobs(each.blob for each in log))
    assert contents[log[-1].blob] == b"both"
    assert {contents[each.blob] for each in log} >= {b"left", b"right", b"both"}


def test_glob_characters_in_a_path_are_plain(history):
    history.commit(**{"data/[ab].txt": "1", "data/a.txt": "2"})
    repository = Repository.open(history.root)
    assert list(repository.find_entries("HEAD", ["data/[ab].txt"])) == ["data/[ab].txt"]
    assert len(repository.log("HEAD", "data/*")) == 0


def test_a_path_that_is_not_utf_8_is_shown_escaped(history):
    if sys.platform != "linux":
        pytest.skip("the file system wants UTF-8")
    with open(os.fsencode(history.root) + b"/\xff.txt", "wb"):
        pass
    history.commit()
    assert "\\xff.txt" in [each.path for each in Repository.open(history.root).list_tree("HEAD")]


def test_replaced_objects_are_not_believed(history):
    blob = history("rev-parse", "HEAD:a.txt")
    history("replace", blob, history("rev-parse", "HEAD:data/b.txt"))
    assert read(Repository.open(history.root), "HEAD", "a.txt") == {"a.txt": "a.txt 0\n"}


def test_variables_of_another_repository_do_not_matter(history, tmp_path, monkeypatch):
    other = History(tmp_path / "other")
    other.commit("x")
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.root / ".git" / "index"))
    repository = Repository.open(history.root)
    assert repository.head == history.commits[-1]
    assert repository.uncommitted(repository.head, ["*"]) == []


def test_a_hook_of_the_configuration_is_not_run(history, tmp_path):
    script = tmp_path / "hook"
    script.write_text(f"#!/bin/sh\ntouch '{tmp_path}/gotcha'\n")
    script.chmod(0o755)
    history("config", "core.fsmonitor", str(script))
    history("config", "gpg.program", str(script))
    history("config", "log.showSignature", "true")
    repository = Repository.open(history.root)
    repository.uncommitted(repository.head, ["*.txt"])
    repository.log("HEAD", "a.txt")
    assert not (tmp_path / "gotcha").exists()


def test_a_repository_of_another_user_is_refused_with_the_way_out(history, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(RefusedError, match="dubious ownership") as caught:
        Repository.open(history.root)
    assert f"safe.directory '{history.root}'" in caught.value.hint


ACCESS = "fatal: unable to access 'https://u:p@x/'"


@pytest.mark.parametrize(
    ("complaint", "kind", "hint"),
    [
        ("fatal: detected dubious ownership in repository at '/x'", RefusedError, "safe.directory"),
        ("error: file write error: No space left on device", NoSpaceError, "Free"),
        ("fatal: transport 'ext' not allowed", RefusedError, "https"),
        ("fatal: could not read Username for 'https://x'", CredentialsError, "ssh"),
        ("git@x: Permission denied (publickey).\nfatal: Could not", CredentialsError, "ssh"),
        (f"{ACCESS}: The requested URL returned error: 403", CredentialsError, "token"),
        ("remote: Repository not found.\nfatal: repository 'x'", NotFoundError, "address"),
        (f"{ACCESS}: Could not resolve host: x", NetworkError, "again"),
        (f"{ACCESS}: The requested URL returned error: 503", NetworkError, "again"),
        ("fetch-pack: unexpected disconnect\nfatal: early EOF", NetworkError, "again"),
        (f"{ACCESS}: SSL certificate problem: expired", NetworkError, "prove"),
        ("Host key verification failed.\nfatal: Could not read from remote", NetworkError, "prove"),
        ("error: short object ID 1234 is ambiguous", UsageError, "more"),
        ("fatal: ambiguous argument 'x': unknown revision or path", NotFoundError, "git log"),
        ("fatal: something new\n", NeurogisterError, None),
        ("", NeurogisterError, None),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else None,
)  # fmt: skip
def test_complaints_of_git_become_our_errors(complaint, kind, hint):
    error = error_of(complaint, place="https://me:secret@example.org/x", command="fetch")
    assert type(error) is kind
    assert hint is None or hint in error.hint
    assert "secret" not in str(error)
    assert "u:p@" not in str(error)
    assert str(error).startswith("https://example.org/x: ")
    if kind is NetworkError:
        assert error.temporary is (hint != "prove")


def test_without_git_the_error_says_so(history, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NeurogisterError, match="git is not installed"):
        Repository.open(history.root)


def test_sha256_repositories_are_read(tmp_path):
    root = tmp_path / "work"
    run_git("init", "--quiet", "--object-format=sha256", str(root))
    (root / "a").write_text("a")
    run_git("add", "a", folder=root)
    run_git("commit", "--quiet", "-m", "a", folder=root)
    repository = Repository.open(root)
    assert repository.object_format == "sha256"
    assert read(repository, repository.head, "a") == {"a": "a"}
    run_git("config", "uploadpack.allowFilter", "true", folder=root)
    mirror = Mirror(root.as_uri(), tmp_path / "cache")
    assert mirror.resolve("HEAD") == repository.head
    assert read(mirror, repository.head, "a") == {"a": "a"}


# A partial clone of the user.


@pytest.fixture
def partial_clone(history, url, tmp_path):
    clone = tmp_path / "clone"
    run_git("clone", "--quiet", "--filter=blob:none", url, str(clone))
    return clone


def test_missing_files_of_a_partial_clone_come_all_at_once(partial_clone, history, monkeypatch):
    trace = partial_clone / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    repository = Repository.open(partial_clone)
    paths = ["data/b.txt", "a.txt", "data/c.txt"]
    assert read(repository, history.commits[0], *paths)["data/b.txt"] == "data/b.txt 0\n"
    assert trace.read_text().count("built-in: git fetch") == 1


def test_offline_nothing_of_a_partial_clone_is_fetched(partial_clone, history, monkeypatch):
    trace = partial_clone / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    repository = Repository.open(partial_clone, offline=True)
    assert read(repository, "HEAD", "data/d.txt") == {"data/d.txt": "data/d.txt 2\n"}
    with pytest.raises(OfflineError, match="1 files"):
        read(repository, history.commits[0], "data/b.txt")
    assert "git fetch" not in trace.read_text()


def test_a_bare_partial_clone_is_read_as_it_is(url, history, tmp_path):
    bare = tmp_path / "bare.git"
    run_git("clone", "--quiet", "--bare", "--filter=blob:none", url, str(bare))
    with pytest.raises(OfflineError):
        read(Repository.open(bare), "HEAD", "a.txt")


# Partial copies of remote repositories.


def test_a_copy_has_only_what_was_asked_for(mirror, history):
    commit = mirror.resolve("HEAD")
    assert commit == history.commits[-1]
    assert objects(mirror, "commit") == {commit}
    assert objects(mirror, "blob") == set()
    assert len(mirror.list_tree(commit)) == 4
    assert objects(mirror, "blob") == set()
    assert read(mirror, commit, "data/b.txt") == {"data/b.txt": "data/b.txt 1\n"}
    assert len(objects(mirror, "blob")) == 1


def test_files_are_fetched_in_one_request(mirror, history, monkeypatch, tmp_path):
    commit = mirror.resolve("HEAD")
    oids = [entry.oid for entry in mirror.list_tree(commit)]
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    assert len(dict(mirror.read_blobs(oids))) == 4
    assert trace.read_text().count("built-in: git fetch") == 1


@pytest.mark.parametrize("rev", ["HEAD", "main", "v1", "v2", "side", "refs/heads/side"])
def test_branches_and_tags_of_a_remote(mirror, history, rev):
    expected = history("rev-parse", f"{rev}^{{commit}}")
    assert mirror.resolve(rev) == expected
    assert objects(mirror, "commit") == {expected}
    assert mirror.list_tree(expected)


@pytest.mark.parametrize("rev", ["HEAD~1", "main~2", "v2^", "side~1", "short"])
def test_revisions_that_need_history(mirror, history, rev):
    rev = history.commits[1][:9] if rev == "short" else rev
    expected = history("rev-parse", f"{rev}^{{commit}}")
    assert mirror.resolve(rev) == expected
    assert read(mirror, expected, "a.txt") == {"a.txt": "a.txt 0\n"}


def test_a_whole_commit_id_needs_the_network_once(mirror, history, url, tmp_path):
    commit = history.commits[1]
    assert mirror.resolve(commit) == commit
    assert objects(mirror, "commit") == {commit}
    away = history.root.rename(tmp_path / "away")
    assert mirror.resolve(commit) == commit
    assert Mirror(url, tmp_path / "cache").resolve(commit) == commit
    assert away.exists()


def test_a_branch_that_moved_is_seen(mirror, history):
    old = mirror.resolve("main")
    new = history.commit("data/e.txt")
    assert mirror.resolve("main") == new
    assert mirror.resolve("HEAD") == new
    assert read(mirror, new, "data/e.txt") == {"data/e.txt": "data/e.txt 3\n"}
    assert len(mirror.list_tree(old)) == 4


def test_a_branch_that_was_rewritten_is_seen(mirror, history):
    mirror.resolve("HEAD~1")
    history("reset", "--quiet", "--hard", history.commits[0])
    new = history.commit("data/other.txt")
    assert mirror.resolve("main") == new
    assert mirror.resolve("HEAD~1") == history.commits[0]


def test_branches_may_take_the_place_of_others(mirror, history):
    history("branch", "topic")
    assert mirror.resolve("topic")
    assert mirror.resolve("topic~1")
    history("branch", "-D", "topic")
    history("branch", "topic/one", history.commits[0])
    assert mirror.resolve("topic/one") == history.commits[0]
    assert mirror.resolve("topic/one~0") == history.commits[0]
    with pytest.raises(NotFoundError):
        mirror.resolve("topic")


@pytest.mark.parametrize("rev", ["nowhere", "nowhere~1", "deadbeef", "1" * 40, "main:x", "a..b"])
def test_an_unknown_revision_of_a_remote_is_not_found(mirror, rev):
    with pytest.raises(NotFoundError, match="no revision"):
        mirror.resolve(rev)


def test_the_log_of_a_remote_file(mirror, history):
    commit = mirror.resolve("HEAD")
    log = mirror.log(commit, "data/b.txt")
    assert [each.oid for each in log] == history.commits[:2]
    assert dict(mirror.read_blobs([log[0].blob])) == {log[0].blob: b"data/b.txt 0\n"}


def test_history_does_not_get_lost_again(mirror, history):
    mirror.resolve("HEAD~2")
    new = history.commit("data/b.txt")
    commit = mirror.resolve("main")
    assert commit == new
    assert len(mirror.log(commit, "data/b.txt")) == 3


def test_offline_what_is_here_is_read(mirror, history, url, tmp_path):
    commit = mirror.resolve("HEAD")
    mirror.resolve("side")
    read(mirror, commit, "a.txt")
    history.root.rename(tmp_path / "away")
    offline = Mirror(url, tmp_path / "cache", offline=True)
    assert offline.resolve("HEAD") == commit
    assert offline.resolve("side") == history.commits[1]
    assert offline.resolve(commit) == commit
    assert read(offline, commit, "a.txt") == {"a.txt": "a.txt 0\n"}
    with pytest.raises(OfflineError, match="1 files"):
        read(offline, commit, "data/c.txt")


@pytest.mark.parametrize("rev", ["HEAD", "v1", "HEAD~1", "1" * 40, "abcdef"])
def test_offline_what_is_not_here_is_said_to_be_missing(url, tmp_path, rev):
    with pytest.raises(OfflineError, match="not in the cache"):
        Mirror(url, tmp_path / "cache", offline=True).resolve(rev)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("damage", ["pack", "objects", "state", "head", "half", "all"])
def test_a_damaged_copy_is_made_again(mirror, history, url, tmp_path, damage):
    commit = mirror.resolve("HEAD")
    read(mirror, commit, "a.txt")
    folder = mirror.git_dir
    if damage == "pack":
        for pack in folder.glob("objects/pack/*.pack"):
            pack.chmod(0o644)
            pack.write_bytes(b"garbage")
    elif damage == "objects":
        shutil.rmtree(folder / "objects")
    elif damage == "state":
        (folder / "neurogister.json").write_text("{")
    elif damage == "head":
        (folder / "HEAD").unlink()
    elif damage == "half":
        (folder / "neurogister.json").unlink()
        shutil.rmtree(folder / "refs")
    else:
        shutil.rmtree(folder)
    again = Mirror(url, tmp_path / "cache")
    assert again.resolve("HEAD") == commit
    assert len(again.list_tree(commit)) == 4
    assert read(again, commit, "a.txt", "data/b.txt")["a.txt"] == "a.txt 0\n"


@pytest.mark.parametrize("victim", ["tree", "blob"])
def test_damage_that_shows_late_is_mended(mirror, history, victim):
    commit = mirror.resolve("HEAD")
    read(mirror, commit, "a.txt")
    oid = history("rev-parse", f"{commit}:{'data' if victim == 'tree' else 'a.txt'}")
    pack = next(
        path
        for path in mirror.git_dir.glob("objects/pack/*.idx")
        if oid in run_git("show-index", stdin=path.read_bytes())
    )
    pack.unlink()
    assert len(mirror.list_tree(commit)) == 4
    assert read(mirror, commit, "a.txt") == {"a.txt": "a.txt 0\n"}


def test_offline_damage_is_an_error_of_its_own(mirror, history, url, tmp_path):
    commit = mirror.resolve("HEAD")
    for pack in mirror.git_dir.glob("objects/pack/*"):
        pack.unlink()
    offline = Mirror(url, tmp_path / "cache", offline=True)
    with pytest.raises(OfflineError):
        offline.list_tree(offline.resolve("HEAD") or commit)


def test_many_small_fetches_are_put_together(history, mirror):
    history.commit(*(f"data/many/{number}.txt" for number in range(60)))
    commit = mirror.resolve("HEAD")
    oids = [entry.oid for entry in mirror.list_tree(commit, "data/many")]
    assert len(oids) == 60
    for oid in oids:
        assert dict(mirror.read_blobs([oid]))
    assert len(list(mirror.git_dir.glob("objects/pack/*.pack"))) <= 41
    assert len(dict(mirror.read_blobs(oids))) == 60
    assert mirror.resolve("HEAD~1") == history.commits[-2]


def test_a_server_that_gives_no_parts_is_read_whole(history, tmp_path):
    history("config", "uploadpack.allowFilter", "false")
    mirror = Mirror(history.root.as_uri(), tmp_path / "cache")
    commit = mirror.resolve("HEAD")
    assert len(objects(mirror, "blob")) == 4
    assert read(mirror, commit, "a.txt") == {"a.txt": "a.txt 0\n"}
    assert mirror.resolve("HEAD~2") == history.commits[0]
    assert read(mirror, history.commits[0], "data/b.txt") == {"data/b.txt": "data/b.txt 0\n"}


def test_an_old_server_that_gives_branches_only(history, url, tmp_path, monkeypatch):
    history("config", "uploadpack.allowAnySHA1InWant", "false")
    history("config", "uploadpack.allowReachableSHA1InWant", "false")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.version")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "0")
    mirror = Mirror(url, tmp_path / "cache")
    commit = mirror.resolve("HEAD")
    assert read(mirror, commit, "data/b.txt") == {"data/b.txt": "data/b.txt 1\n"}
    assert mirror.resolve(history.commits[0]) == history.commits[0]
    with pytest.raises(NotFoundError):
        mirror.resolve("2" * 40)


def test_a_dumb_server_is_read_whole(history, tmp_path):
    bare = tmp_path / "served" / "registry.git"
    run_git("clone", "--quiet", "--bare", str(history.root), str(bare))
    run_git("update-server-info", folder=bare)
    handler = partial(SimpleHTTPRequestHandler, directory=str(bare.parent))
    handler.log_message = lambda *_: None
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Quiet)
    server.folder = str(bare.parent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/registry.git"
        mirror = Mirror(url, tmp_path / "cache")
        commit = mirror.resolve("HEAD")
        assert commit == history.commits[-1]
        assert read(mirror, commit, "a.txt") == {"a.txt": "a.txt 0\n"}
        assert mirror.resolve("HEAD~1") == history.commits[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def __init__(self, *arguments):
        super().__init__(*arguments, directory=arguments[2].folder)

    def log_message(self, *_):
        pass


_READ = """
import sys
from pathlib import Path
from neurogister.backends.gitprogram import error_of
from neurogister.backends.mirror import Mirror
mirror = Mirror(sys.argv[1], Path(sys.argv[2]))
commit = mirror.resolve(sys.argv[3])
entries = mirror.list_tree(commit)
print(commit, sum(len(data) for _, data in mirror.read_blobs([e.oid for e in entries])))
"""


@pytest.mark.parametrize("revs", [["HEAD"] * 6, ["HEAD", "v1", "HEAD~1", "side", "v2^", "main"]])
def test_processes_at_once_do_not_harm_each_other(url, tmp_path, revs):
    script = tmp_path / "read.py"
    script.write_text(_READ)
    command = [sys.executable, str(script), url, str(tmp_path / "cache")]
    processes = [
        subprocess.Popen([*command, rev], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for rev in revs
    ]
    for process, rev in zip(processes, revs, strict=True):
        output, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, complaint
        assert (
            output.split()[0]
            == run_git("rev-parse", f"{rev}^{{commit}}", folder=tmp_path / "work").strip()
        )


def test_over_http_only_what_is_needed_is_sent(history, tmp_path):
    history.commit(**{f"data/big/{number}.txt": os.urandom(5000).hex() for number in range(20)})
    with git_http_server(tmp_path / "served") as server:
        url = server.publish(history.root)
        mirror = Mirror(url, tmp_path / "cache")
        commit = mirror.resolve("HEAD")
        entries = mirror.list_tree(commit, "data/big")
        assert len(entries) == 20
        assert server.bytes_sent < 20_000
        server.reset()
        assert len(dict(mirror.read_blobs([entry.oid for entry in entries[:3]]))) == 3
        assert server.bytes_sent < 30_000
        assert len(server.requests) <= 3
        server.reset()
        assert mirror.resolve(commit) == commit
        assert len(dict(mirror.read_blobs([entry.oid for entry in entries[:3]]))) == 3
        assert server.requests == []


def test_over_http_login_is_asked_for_by_an_error(history, tmp_path):
    with git_http_server(tmp_path / "served", user="me", password="secret") as server:
        url = server.publish(history.root)
        with pytest.raises(CredentialsError, match=r"127\.0\.0\.1"):
            Mirror(url, tmp_path / "cache").resolve("HEAD")
        known = url.replace("http://", "http://me:secret@")
        mirror = Mirror(known, tmp_path / "cache")
        assert mirror.resolve("HEAD") == history.commits[-1]
        assert "secret" not in mirror.name
        assert not [
            path
            for path in (tmp_path / "cache").rglob("*")
            if path.is_file() and b"secret" in path.read_bytes()
        ]
        with pytest.raises(NotFoundError) as caught:
            mirror.resolve("nowhere")
        assert "secret" not in str(caught.value)


def test_a_server_in_trouble_is_a_temporary_error(history, tmp_path):
    with git_http_server(tmp_path / "served") as server:
        url = server.publish(history.root)
        server.status = 503
        with pytest.raises(NetworkError) as caught:
            Mirror(url, tmp_path / "cache").resolve("HEAD")
        assert caught.value.temporary
        server.status = None
        assert Mirror(url, tmp_path / "cache").resolve("HEAD") == history.commits[-1]
    with pytest.raises(NetworkError) as caught:
        Mirror(url, tmp_path / "cache").resolve("HEAD")
    assert caught.value.temporary


def test_a_wrong_address_is_not_found(history, tmp_path):
    with pytest.raises(NotFoundError):
        Mirror((tmp_path / "nothing").as_uri(), tmp_path / "cache").resolve("HEAD")
    with git_http_server(tmp_path / "served") as server:
        server.publish(history.root)
        with pytest.raises(NotFoundError):
            Mirror(server.repository("other.git"), tmp_path / "cache").resolve("HEAD")
    with pytest.raises(NetworkError):
        Mirror("http://nowhere.invalid/x.git", tmp_path / "cache").resolve("HEAD")


def test_a_cache_that_cannot_be_written_is_said(url, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NeurogisterError, match="file"):
        Mirror(url, tmp_path / "file").resolve("HEAD")
