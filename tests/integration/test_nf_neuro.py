"""The tests of nf-neuro: the list of archives, the cache, and the remote that they read."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from tests.conftest import command
from tests.factories import dwi_files, make_registry, nifti_bytes, random_bytes
from tests.faults import Always, FaultServer, HtmlPage, Truncated, WrongBytes
from tests.zips import zip_bytes

import neurogister
from neurogister.errors import IntegrityError, NotFoundError, OfflineError, RefusedError

B0 = zip_bytes({"raw_b0/b0.nii.gz": nifti_bytes(seed=1), "raw_b0/b0.bval": b"0\n"})
SEG = zip_bytes({"seg.nii.gz": nifti_bytes(seed=2)})
OLD = zip_bytes({"raw_b0/b0.nii.gz": nifti_bytes(seed=3)})
FOLDER = ("nf-neuro-test-archives",)


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.fixture
def archives(home, tmp_path, monkeypatch):
    """Where nf-neuro keeps archives."""
    monkeypatch.setenv("NFNEURO_TEST_DATA_HOME", str(tmp_path / "nf"))
    monkeypatch.setenv("NEUROGISTER_RETRIES", "1")
    return tmp_path / "nf" / "nf-neuro-test-archives"


@pytest.fixture
def registry(home, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("nf/raw_b0.zip", B0, id="raw_b0")
    registry.add_folder("nf/more", {"deep/segmentation.zip": SEG, "notes.txt": b"no archive"})
    registry.add_folder("nf/dwi", dwi_files(), id="dwi")
    registry.add_file("nf/old.zip", OLD, id="old")
    registry.add_package("nf/b0", ["raw_b0"])
    registry.add_package("nf/all", ["raw_b0", "nf/more"])
    registry.add_package("nf/none", ["dwi"])
    registry.add_package("nf/other", [("old", None, "raw_b0.zip")])
    return registry


@pytest.fixture
def server(registry):
    with FaultServer(registry.objects) as server:
        registry.remote_url(server.url)
        registry.commit("Add data")
        yield server


def found(folder: Path) -> dict[str, bytes]:
    """Return all that lies in a folder; nothing half-done may."""
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def as_nf_neuro_does(base: str, name: str, manifest: Path, cache: Path) -> Path:
    """Do what ``load_test_data`` does: look for the md5, GET the object by it, copy it there."""
    digest = json.loads(manifest.read_text())[name]
    target = cache / digest
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        url = f"{base}/files/md5/{digest[:2]}/{digest[2:]}"
        with urllib.request.urlopen(url) as answer, target.open("wb") as stream:
            stream.write(answer.read())
    return target


def test_the_list_has_packages_files_and_globs(registry, server):
    with neurogister.open(registry.root) as opened:
        assert opened.zip_archives("nf/all") == {
            "raw_b0.zip": md5(B0),
            "segmentation.zip": md5(SEG),
        }
        assert opened.zip_archives(["nf/b0", "nf/more"]) == opened.zip_archives("nf/all")
        assert list(opened.zip_archives("nf/[abdn]*")) == ["raw_b0.zip", "segmentation.zip"]
        assert opened.zip_archives("old") == {"old.zip": md5(OLD)}
        with pytest.raises(NotFoundError, match="nf/none has no zip archive"):
            opened.zip_archives("nf/none")
        with pytest.raises(NotFoundError, match="there is no zip archive"):
            opened.zip_archives("*none")
        with pytest.raises(RefusedError, match=r"raw_b0.zip is \w+ in .*nf/other"):
            opened.zip_archives(["nf/b0", "nf/other"])
        with pytest.raises(RefusedError):
            opened.zip_archives()


def test_the_cache_of_nf_neuro_is_filled(registry, server, archives):
    with neurogister.open(registry.root) as opened:
        report = opened.pull(["nf/all", "nf/b0"], layout="nf-neuro", check=True)
        assert found(archives) == {md5(B0): B0, md5(SEG): SEG}
        assert {one.zip: one.path for one in report.pulled} == {
            "raw_b0.zip": archives / md5(B0), "segmentation.zip": archives / md5(SEG)
        }  # fmt: skip
        server.reset()
        again = opened.pull("nf/all", layout="nf-neuro", check=True)
        assert not again.changes
        assert not server.requests
        # both caches are gone: only what lies there counts, and it is read
        elsewhere = opened.pull(["nf/other"], layout="nf-neuro", into=archives, check=True)
        assert elsewhere.pulled[0].name == "nf/other"
        assert set(found(archives)) == {md5(B0), md5(SEG), md5(OLD)}


def test_the_folder_is_found_as_nf_neuro_finds_it(registry, server, home, monkeypatch, tmp_path):
    places = []
    for name in ("NFNEURO_TEST_DATA_HOME", "XDG_DATA_HOME", "HOME"):
        places.append(tmp_path / f"by-{name}")
        monkeypatch.setenv(name, str(places[-1]))
    monkeypatch.setenv("USERPROFILE", str(places[-1]))
    places[-1] = places[-1] / ".local/share"
    with neurogister.open(registry.root) as opened:
        for place, name in zip(
            places, ("NFNEURO_TEST_DATA_HOME", "XDG_DATA_HOME", ""), strict=True
        ):
            report = opened.pull("nf/b0", layout="nf-neuro", check=True)
            assert report.pulled[0].path == place / "nf-neuro-test-archives" / md5(B0)
            if name:
                monkeypatch.setenv(name, "")  # for Groovy, that is as if it were not set


@pytest.mark.parametrize("wrong", [b"", B0[:-1], b"<html>", OLD], ids=len)
def test_wrong_files_of_the_cache_are_replaced(registry, server, archives, wrong):
    archives.mkdir(parents=True)
    (archives / md5(B0)).write_bytes(wrong)
    (archives / "something-else").write_bytes(b"mine")
    with neurogister.open(registry.root) as opened:
        planned = opened.pull("nf/b0", layout="nf-neuro", dry_run=True)
        assert planned.pulled[0].status == "planned"
        assert (archives / md5(B0)).read_bytes() == wrong
        assert opened.pull("nf/b0", layout="nf-neuro", check=True).changes
        assert found(archives) == {md5(B0): B0, "something-else": b"mine"}
        (archives / md5(B0)).write_bytes(wrong)  # after we have known it to be good
        opened.pull("nf/b0", layout="nf-neuro", check=True)
    assert found(archives)[md5(B0)] == B0


def test_a_folder_in_the_place_of_an_archive_stays(registry, server, archives):
    (archives / md5(B0)).mkdir(parents=True)
    (archives / md5(B0) / "mine").write_bytes(b"mine")
    with neurogister.open(registry.root) as opened, pytest.raises(RefusedError, match="a folder"):
        opened.pull("nf/b0", layout="nf-neuro", check=True)
    assert (archives / md5(B0) / "mine").exists()


@pytest.mark.parametrize("fault", [WrongBytes(), Truncated(), HtmlPage()], ids=repr)
def test_a_wrong_archive_never_appears(registry, server, archives, fault):
    server.rules.append(Always(fault, match=f"/files/md5/{md5(B0)[:2]}/{md5(B0)[2:]}"))
    with neurogister.open(registry.root) as opened:
        report = opened.pull("nf/all", layout="nf-neuro")
        assert isinstance(report.errors[0], IntegrityError | neurogister.NetworkError)
        assert found(archives) == {md5(SEG): SEG}
        server.rules.clear()
        opened.pull("nf/all", layout="nf-neuro", check=True)
    assert found(archives) == {md5(B0): B0, md5(SEG): SEG}


def test_offline_with_and_without_the_bytes(registry, server, archives):
    with neurogister.open(registry.root, offline=True) as opened, pytest.raises(OfflineError):
        opened.pull("nf/b0", layout="nf-neuro", check=True)
    assert found(archives) == {}
    with neurogister.open(registry.root) as opened:
        opened.pull("nf/b0")
    with neurogister.open(registry.root, offline=True) as opened:
        opened.pull("nf/b0", layout="nf-neuro", check=True)
    assert found(archives) == {md5(B0): B0}


def test_by_name_a_file_of_the_user_stays(registry, server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with neurogister.open(registry.root) as opened:
        opened.pull("nf/all", layout="zip", check=True)
        assert (tmp_path / "segmentation.zip").read_bytes() == SEG
        (tmp_path / "raw_b0.zip").write_bytes(b"changed")
        with pytest.raises(RefusedError, match="changed here"):
            opened.pull("nf/all", layout="zip", check=True)
        opened.pull("nf/all", layout="zip", force=True, check=True)
        assert (tmp_path / "raw_b0.zip").read_bytes() == B0
        with pytest.raises(RefusedError, match="would both go to"):
            opened.pull(["nf/b0", "nf/other"], layout="zip", into=tmp_path / "both")


def test_a_lockfile_is_enough(registry, server, archives, run, tmp_path, monkeypatch):
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    assert run("lock", "add", "nf/all", "-C", registry.root, cwd=project).returncode == 0
    registry.root.rename(tmp_path / "hidden")
    listed = run("export", "manifest", "--locked", "-o", "tests.json", cwd=project)
    assert listed.returncode == 0, listed.stderr
    text = (project / "tests.json").read_text()
    assert json.loads(text) == {"raw_b0.zip": md5(B0), "segmentation.zip": md5(SEG)}
    assert list(json.loads(text)) == sorted(json.loads(text))
    done = run("pull", "--locked", "--layout", "nf-neuro", "--json", cwd=project)
    assert done.returncode == 0, done.stderr
    assert found(archives) == {md5(B0): B0, md5(SEG): SEG}
    warm = neurogister.pull_locked(layout="nf-neuro", offline=True, check=True)
    assert not warm.changes
    neurogister.pull_locked(layout="zip", into=tmp_path / "zips", check=True)
    assert (tmp_path / "zips/raw_b0.zip").read_bytes() == B0
    part = neurogister.pull_locked("nf/all:*.zip", layout="zip", into=tmp_path / "some", check=True)
    assert [one.part for one in part.pulled] == ["more/deep/segmentation.zip", "raw_b0.zip"]


def test_plain_http_serves_what_nf_neuro_asks_for(registry, server, archives, run, tmp_path):
    manifest = tmp_path / "test_data.json"
    done = run("export", "manifest", "nf/all", "-o", manifest, cwd=registry.root)
    assert done.returncode == 0, done.stderr
    for name, data in (("raw_b0.zip", B0), ("segmentation.zip", SEG)):
        assert as_nf_neuro_does(server.url, name, manifest, archives).read_bytes() == data
    server.reset()
    with neurogister.open(registry.root) as opened:  # what it has brought is not fetched again
        assert not opened.pull("nf/all", layout="nf-neuro", check=True).changes
    assert not server.requests
    as_nf_neuro_does("http://127.0.0.1:9", "raw_b0.zip", manifest, archives)  # nor the reverse


def test_many_at_once_beside_nf_neuro_itself(registry, server, archives, run, tmp_path):
    manifest = tmp_path / "test_data.json"
    run("export", "manifest", "nf/all", "-o", manifest, cwd=registry.root)
    failed = []

    def groovy():
        for _ in range(20):
            try:
                as_nf_neuro_does(server.url, "raw_b0.zip", manifest, archives)
            except OSError as error:
                failed.append(error)
            time.sleep(0.05)
            (archives / md5(B0)).unlink(missing_ok=True)

    thread = threading.Thread(target=groovy)
    thread.start()
    started = [
        subprocess.Popen(
            command("pull", "nf/all", "--layout", "nf-neuro", "-q"), cwd=registry.root,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for process in started:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    thread.join()
    assert failed == []
    with neurogister.open(registry.root) as opened:
        opened.pull("nf/all", layout="nf-neuro", check=True)
    assert found(archives) == {md5(B0): B0, md5(SEG): SEG}


@pytest.mark.skipif(os.name == "nt", reason="signals are of POSIX")
def test_killed_at_any_moment_archives_are_whole_or_absent(registry, server, archives, start):
    big = random_bytes(20 << 20, 5)
    registry.add_file("nf/big.zip", big, id="big")
    registry.commit("Add a big one")
    for pause in (0.3, 0.5, 0.7, 0.9):
        process = start("pull", "big", "--layout", "nf-neuro", cwd=registry.root)
        time.sleep(pause)
        process.kill()
        process.wait()
        assert {name: md5(data) for name, data in found(archives).items() if "." not in name} in (
            {}, {md5(big): md5(big)}
        )  # fmt: skip
    with neurogister.open(registry.root) as opened:
        opened.pull("big", layout="nf-neuro", check=True)
    assert found(archives)[md5(big)] == big


def test_a_pull_from_a_lockfile_opens_no_registry(registry, server, archives, run, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    run("lock", "add", "nf/b0", "-C", registry.root, cwd=project)
    code = (
        "import sys, neurogister\n"
        "neurogister.pull_locked(layout='nf-neuro', check=True)\n"
        "heavy = {'neurogister.registry.reader', 'git', 'dvc'} & set(sys.modules)\n"
        "sys.exit(str(sorted(heavy)) if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
