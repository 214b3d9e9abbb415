"""Registries named by a git URL: read without a clone, kept for the next time, at any revision."""

import hashlib
import os
import subprocess
import time
from pathlib import Path

import pytest
from tests.conftest import delivered_files
from tests.factories import dwi_files, make_large_registry, make_registry, nifti_bytes, random_bytes
from tests.servers import git_http_server, run_git

import neurogister
from neurogister.errors import NetworkError, NotFoundError, OfflineError

BALLAST = random_bytes(400_000, seed=7)


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A registry with history, whose bytes are in a folder of its own repository."""
    root = tmp_path_factory.mktemp("origin") / "registry"
    registry = make_registry(root, objects=root / "remote")
    registry.remote_url("../remote")
    registry.write("README.md", BALLAST)
    registry.add_file("mni152/t1.nii.gz", nifti_bytes(seed=1), id="mni-t1", title="T1")
    registry.add_folder("scans/dwi", dwi_files(), id="dwi-1")
    registry.add_package("lab/tests", ["mni-t1", "dwi-1"])
    registry.commit("Add data", tag="v1")
    registry.new_version("mni152/t1.nii.gz", nifti_bytes(seed=2))
    registry.new_version("scans/dwi", dwi_files(seed=3))
    registry.add_package("lab/tests", ["mni-t1", "dwi-1"], "1.1.0")
    registry.commit("Change data")
    registry.git("branch", "later")
    registry.git("checkout", "--quiet", "later")
    registry.add_file("mni152/t2.nii.gz", nifti_bytes(seed=4), id="mni-t2")
    registry.commit("Add more, on a branch")
    registry.git("checkout", "--quiet", "main")
    return registry


@pytest.fixture
def server(tmp_path):
    with git_http_server(tmp_path / "git") as server:
        yield server


@pytest.fixture
def url(server, origin):
    return server.publish(origin.root)


@pytest.fixture
def work(home, tmp_path):
    """A working directory that is no checkout."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def first_version(registry, name):
    return registry.find(name).record["versions"][0]["md5"]


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def kept(home, kind="blob"):
    """The ids and sizes of what came of a remote repository."""
    (mirror,) = [path for path in (home / "cache/registries").iterdir() if path.is_dir()]
    listed = subprocess.run(
        ["git", "cat-file", "--batch-all-objects",
         "--batch-check=%(objecttype) %(objectname) %(objectsize)"],
        cwd=mirror, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    rows = [line.split() for line in listed.splitlines()]
    return {oid: int(size) for what, oid, size in rows if what == kind}


def posts(server):
    """The requests that ask for something; one of them is for the branches."""
    return [each for each in server.requests if each.method == "POST"]


# Reading.


@pytest.mark.parametrize("kind", ["http", "file"])
def test_a_registry_is_listed_described_and_pulled_by_url(run, origin, url, work, kind):
    url = url if kind == "http" else origin.root.as_uri()
    listed = run("list", "-C", url, cwd=work)
    assert listed.returncode == 0, listed.stderr
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == [
        "mni152/t1.nii.gz", "scans/dwi"
    ]  # fmt: skip
    described = run("info", "-C", url, "mni-t1", cwd=work)
    assert "  version:    2\n" in described.stdout
    pulled = run("pull", "-C", url, "mni-t1", "dwi-1:*.bval", cwd=work)
    assert pulled.returncode == 0, pulled.stderr
    assert md5(work / "mni152/t1.nii.gz") == origin.find("mni-t1").digests.md5
    assert sorted(delivered_files(work)) == ["mni152/t1.nii.gz", "scans/dwi/dwi.bval"]


def test_the_default_place_is_the_working_directory(run, url, work):
    assert run("pull", "-C", url, "lab/tests", cwd=work).stdout == f"{work}/lab/tests\n"
    assert (work / "lab/tests/t1.nii.gz").is_file()
    (work / "deep").mkdir()
    done = run("pull", "-C", url, "mni-t1", "-o", "../other", cwd=work / "deep")
    assert done.stdout == f"{work}/deep/../other/mni152/t1.nii.gz\n" or done.stdout == (
        f"{work}/other/mni152/t1.nii.gz\n"
    )
    assert (work / "other/mni152/t1.nii.gz").is_file()
    assert list((work / "deep").iterdir()) == []


def test_a_remote_registry_is_not_cloned_whole(run, home, server, work, tmp_path):
    registry = make_large_registry(tmp_path / "large", 300, unreachable=False)
    registry.write("README.md", BALLAST)
    registry.commit("Write much that is no pointer")
    url = server.publish(registry.root)
    name = sorted(registry.datasets)[100]
    assert run("pull", "-C", url, name, cwd=work).returncode == 0
    assert md5(work / name) == registry.datasets[name].digests.md5
    assert server.bytes_sent < 100_000
    assert len(posts(server)) <= 5
    blobs = kept(home)
    assert max(blobs.values()) < 1000
    pointers = registry.git("ls-files", "*.dvc", ".dvc/config", "*.yml").split()
    assert len(blobs) <= len(pointers)


def test_the_second_call_asks_only_whether_there_is_news(run, server, url, work):
    for command in (("pull", "mni-t1"), ("list",), ("info", "dwi-1")):
        assert run(*command, "-C", url, cwd=work).returncode == 0
        server.reset()
        assert run(*command, "-C", url, cwd=work).returncode == 0
        assert len(posts(server)) == 1
        assert server.bytes_sent < 1000


def test_news_is_seen_at_once_and_fetched_in_part(run, home, server, work, tmp_path):
    registry = make_registry(tmp_path / "registry")
    for n in range(20):
        registry.add_file(f"a/{n}.bin", bytes([n]))
    registry.commit()
    url = server.publish(registry.root)
    assert run("list", "-C", url, cwd=work).returncode == 0
    before = set(kept(home))
    registry.new_version("a/7.bin", b"another seven")
    registry.commit()
    server.publish(registry.root)
    done = run("pull", "-C", url, "a/7.bin", cwd=work)
    assert done.returncode == 0, done.stderr
    assert (work / "a/7.bin").read_bytes() == b"another seven"
    config = registry.git("rev-parse", "HEAD:.dvc/config").strip()
    pointer = registry.git("rev-parse", "HEAD:data/a/7.bin.dvc").strip()
    assert set(kept(home)) - before <= {pointer, config}


# Revisions.


def test_any_revision_can_be_read(run, origin, url, work):
    commit = origin.git("rev-parse", "v1").strip()
    for rev in ("v1", commit, commit[:9], "HEAD~1", "main~1", "later~2"):
        done = run("pull", "-C", url, "--rev", rev, "mni-t1", "-o", rev, cwd=work)
        assert done.returncode == 0, done.stderr
        assert md5(work / rev / "mni152/t1.nii.gz") == first_version(origin, "mni-t1")
    for rev in ("later", "refs/heads/later"):
        assert run("info", "-C", url, "--rev", rev, "mni-t2", cwd=work).returncode == 0
    for rev in ("HEAD", "main"):
        assert run("info", "-C", url, "--rev", rev, "mni-t2", cwd=work).returncode == 3


def test_a_full_commit_is_fetched_alone(run, home, origin, server, url, work):
    commit = origin.git("rev-parse", "v1").strip()
    assert run("list", "-C", url, "--rev", commit, cwd=work).returncode == 0
    assert set(kept(home, "commit")) == {commit}


@pytest.mark.parametrize("rev", ["v9", "0" * 40, "HEAD~99", "nowhere", "-x", "a b", "v1:data"])
def test_an_unknown_revision_ends_with_3_and_a_hint(run, url, work, rev):
    done = run("list", "-C", url, f"--rev={rev}", cwd=work)
    assert (done.returncode, done.stdout) in ((3, ""), (2, ""))
    assert done.stderr.startswith("error: ")
    assert "\nhint: " in done.stderr or done.returncode == 2
    assert "Traceback" not in done.stderr


def test_old_versions_come_from_git_too(run, origin, url, work):
    done = run("pull", "-C", url, "mni-t1@1", "dwi-1@1", "lab/tests@1.0.0", cwd=work)
    assert done.returncode == 0, done.stderr
    assert md5(work / "mni152/t1.nii.gz") == first_version(origin, "mni-t1")
    assert (work / "scans/dwi/dwi.nii.gz").read_bytes() == dwi_files()["dwi.nii.gz"]
    assert md5(work / "lab/tests/t1.nii.gz") == first_version(origin, "mni-t1")
    versions = run("versions", "-C", url, "mni-t1", cwd=work)
    assert len(versions.stdout.splitlines()) == 2


def test_bytes_in_git_come_in_one_batch(run, home, origin, server, url, work):
    assert run("list", "-C", url, cwd=work).returncode == 0
    before = set(kept(home))
    server.reset()
    assert run("pull", "-C", url, "dwi-1", "mni-t1", cwd=work).returncode == 0
    digests = [*origin.find("dwi-1").digests.files.values(), origin.find("mni-t1").digests]
    wanted = {origin.git("rev-parse", f"HEAD:remote/{digest.key}").strip() for digest in digests}
    new = set(kept(home)) - before
    assert wanted <= new
    manifests = {origin.git("rev-parse", "HEAD:data/scans/dwi.manifest.csv").strip()}
    config = {origin.git("rev-parse", "HEAD:.dvc/config").strip()}
    assert new <= wanted | manifests | config
    assert len(posts(server)) <= 4  # branches, settings, manifest, bytes


# Without the network.


def test_offline_works_from_what_was_kept(run, server, url, work):
    missing = run("list", "-C", url, "--offline", cwd=work)
    assert (missing.returncode, missing.stdout) == (9, "")
    assert "hint: Run it once without `--offline`." in missing.stderr
    assert run("pull", "-C", url, "mni-t1", cwd=work).returncode == 0
    server.reset()
    assert run("list", "-C", url, "--offline", cwd=work).returncode == 0
    again = run("pull", "-C", url, "mni-t1", "-o", "again", "--offline", cwd=work)
    assert again.returncode == 0, again.stderr
    assert (work / "again/mni152/t1.nii.gz").is_file()
    absent = run("pull", "-C", url, "dwi-1", "--offline", cwd=work)
    assert (absent.returncode, absent.stdout) == (9, "")
    assert server.requests == []
    variable = run("list", "-C", url, cwd=work, NEUROGISTER_OFFLINE="1")
    assert (variable.returncode, server.requests) == (0, [])


def test_a_revision_that_was_read_is_there_offline(run, url, work):
    assert run("list", "-C", url, "--rev", "v1", cwd=work).returncode == 0
    assert run("list", "-C", url, "--rev", "v1", "--offline", cwd=work).returncode == 0
    assert run("list", "-C", url, "--rev", "later", "--offline", cwd=work).returncode == 9


# What goes wrong.


def test_a_server_that_is_gone_ends_with_5(run, work, origin, tmp_path):
    with git_http_server(tmp_path / "git") as server:
        url = server.publish(origin.root)
        assert run("list", "-C", url, cwd=work).returncode == 0
    for place in (url, "http://127.0.0.1:9/registry.git"):
        done = run("list", "-C", place, cwd=work)
        assert (done.returncode, done.stdout) == (5, "")
        assert done.stderr.startswith(f"error: {place}")
        assert "\nhint: " in done.stderr
    assert run("list", "-C", url, "--offline", cwd=work).returncode == 0


def test_a_server_in_trouble_ends_with_5_and_recovers(run, server, url, work):
    server.status = 503
    assert run("list", "-C", url, cwd=work).returncode == 5
    server.status = None
    assert run("list", "-C", url, cwd=work).returncode == 0


def test_wrong_credentials_end_with_6_and_right_ones_do(run, origin, work, tmp_path):
    with git_http_server(tmp_path / "git", user="me", password="secret") as server:
        url = server.publish(origin.root)
        began = time.monotonic()
        for place in (url, url.replace("://", "://me:wrong@")):
            done = run("list", "-C", place, cwd=work)
            assert (done.returncode, done.stdout) == (6, "")
            assert "wrong" not in done.stderr
        assert time.monotonic() - began < 30  # nobody was asked for a password
        done = run("list", "-C", url.replace("://", "://me:secret@"), "--json", cwd=work)
        assert done.returncode == 0, done.stderr
        assert "secret" not in done.stdout + done.stderr


@pytest.mark.parametrize("place", ["nothing.git", "plain"])
def test_what_is_no_repository_ends_with_3(run, server, work, tmp_path, place):
    (tmp_path / "git/plain").mkdir(parents=True)
    for url in (f"{server.url}/{place}", (tmp_path / "git" / place).as_uri()):
        done = run("list", "-C", url, cwd=work)
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.startswith(f"error: {url}")
        assert "\nhint: " in done.stderr


def test_an_empty_repository_has_nothing(run, server, work, tmp_path):
    (tmp_path / "git").mkdir(exist_ok=True)
    run_git("init", "--quiet", "--bare", str(tmp_path / "git/empty.git"))
    for url in (f"{server.url}/empty.git", (tmp_path / "git/empty.git").as_uri()):
        done = run("list", "-C", url, cwd=work)
        assert done.stdout == ""
        assert done.returncode in (0, 3), done.stderr
        assert "Traceback" not in done.stderr


def test_a_damaged_copy_is_made_again(run, home, url, work):
    assert run("list", "-C", url, cwd=work).returncode == 0
    (mirror,) = [path for path in (home / "cache/registries").iterdir() if path.is_dir()]
    for path in mirror.rglob("*.pack"):
        path.chmod(0o644)
        path.write_bytes(b"broken")
    assert run("pull", "-C", url, "mni-t1", cwd=work).returncode == 0
    for path in sorted(mirror.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert run("pull", "-C", url, "dwi-1", cwd=work).returncode == 0


def test_a_server_that_gives_no_parts_is_cloned(run, server, origin, work):
    url = server.publish(origin.root, allow_filter=False, allow_any_sha1=False)
    assert run("pull", "-C", url, "mni-t1", cwd=work).returncode == 0
    assert run("pull", "-C", url, "mni-t1@1", "-o", "old", cwd=work).returncode == 0
    assert md5(work / "old/mni152/t1.nii.gz") == first_version(origin, "mni-t1")


# From Python.


@pytest.mark.usefixtures("work")
def test_the_same_from_python(origin, server, url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "work")
    with neurogister.open(url) as registry:
        assert registry.url == url
        assert registry.commit == origin.git("rev-parse", "HEAD").strip()
        assert [item.name for item in registry] == ["mni152/t1.nii.gz", "scans/dwi"]
        (pulled,) = registry.pull("mni-t1", check=True).pulled
        assert pulled.path == tmp_path / "work/mni152/t1.nii.gz"
    with neurogister.open(url, rev="v1") as registry:
        assert registry["mni-t1"].version == 1
    path = neurogister.fetch("mni-t1@1", registry=url)
    assert md5(path) == first_version(origin, "mni-t1")
    server.status = 503
    with pytest.raises(NetworkError):
        neurogister.open(url)
    assert neurogister.fetch("mni-t1@1", registry=url, offline=True) == path
    with pytest.raises(OfflineError):
        neurogister.fetch("dwi-1", registry=url, offline=True)
    server.status = None
    with pytest.raises(NotFoundError):
        neurogister.open(f"{server.url}/nothing.git")


@pytest.mark.skipif(os.name == "nt", reason="paths differ there")
def test_a_bare_repository_is_a_registry_too(run, origin, work, tmp_path):
    bare = tmp_path / "bare.git"
    run_git("clone", "--quiet", "--bare", str(origin.root), str(bare))
    done = run("pull", "-C", bare, "mni-t1", cwd=work)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{Path(work) / 'mni152/t1.nii.gz'}\n"
