"""Registries that others made: old, plain, broken, empty, large, out of reach."""

import shutil
import socket
import threading
import time

import pytest
from tests.factories import (
    digest_file,
    digest_folder,
    directory_object,
    dwi_files,
    make_large_registry,
    make_registry,
    nifti_bytes,
    to_yaml,
)
from tests.servers import run_git

import neurogister
from neurogister.errors import InvalidFileError, NetworkError, NotFoundError


class Listener:
    """A port that counts who calls, and answers nobody."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.calls = 0
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            connection.close()

    def close(self):
        self._socket.close()


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.close()


# Large, and its remote cannot be reached.


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return make_large_registry(tmp_path_factory.mktemp("large") / "registry")


@pytest.fixture
def unreachable(large, tmp_path, listener):
    """The same, with a remote that drops every call, and counts them."""
    shutil.copytree(large.root, tmp_path / "registry", symlinks=True)
    config = tmp_path / "registry/.dvc/config"
    config.write_text(config.read_text().replace("127.0.0.1:9", f"127.0.0.1:{listener.port}"))
    return tmp_path / "registry"


def test_git_answers_when_the_remote_cannot(run, unreachable, listener):
    for command in (
        ("list",), ("list", "legacy"), ("list", "--packages"), ("list", "--vendors"),
        ("list", "--collections"), ("info", "legacy/diffusion/dti/dwi.bval"),
        ("info", "toolbox_tests/tracking"), ("versions", "legacy/diffusion/dti/dwi.bval"),
        ("diff", "legacy/diffusion/dti/dwi.bval@1", "legacy/diffusion/dti/dwi.bval"),
        ("config",), ("cache", "ls"),
    ):  # fmt: skip
        done = run(*command, cwd=unreachable)
        assert done.returncode == 0, (command, done.stderr)
        assert done.stdout or command[0] in ("cache", "diff")
        assert "Traceback" not in done.stderr
    assert listener.calls == 0


def test_all_pointers_are_listed_and_what_git_does_not_know_is_unknown(run, unreachable):
    assert len(run("list", cwd=unreachable).stdout.splitlines()) == 1227
    assert run("list", "--packages", cwd=unreachable).stdout.splitlines() == [
        "pipeline_tests/registration\t\t\t800\t4\t\t\tactive\t",
        "toolbox_tests/tracking\t\t\t800\t4\t\t\tactive\t",
    ]
    vendors = run("list", "--vendors", cwd=unreachable).stdout.splitlines()
    assert [line.split("\t")[::2] for line in vendors] == [
        ["pipeline_tests", "1"], ["subject", "0"], ["toolbox_tests", "1"]
    ]  # fmt: skip
    shown = run("info", "toolbox_tests/tracking", cwd=unreachable).stdout
    assert "  license: unknown\n" in shown
    assert "  size:    800 B (800 bytes), 4 files\n" in shown
    assert "  files:  unknown here (`--remote` asks the remote for the listing)\n" in shown
    assert "  remote:    https://127.0.0.1:" in shown
    assert "/dvc-store (unknown)\n" in shown


def test_what_needs_the_remote_fails_in_bounded_time(run, unreachable, listener):
    began = time.monotonic()
    one = run("pull", "legacy/diffusion/dti/dwi.bval", cwd=unreachable, NEUROGISTER_RETRIES="1")
    assert (one.returncode, one.stdout) == (5, "")
    (error,) = [line for line in one.stderr.splitlines() if line.startswith("error: ")]
    assert "legacy/diffusion/dti/dwi.bval" in error
    assert f"127.0.0.1:{listener.port}" in error
    many = run("pull", cwd=unreachable, NEUROGISTER_RETRIES="1")
    assert (many.returncode, many.stdout) == (5, "")
    assert len(many.stderr.splitlines()) < 40
    asked = run("info", "legacy/diffusion/dti/dwi.bval", "--remote", cwd=unreachable)
    assert asked.returncode == 0
    assert asked.stderr.startswith("warning: remote 'storage': ")
    assert "(unknown)" in asked.stdout
    verified = run(
        "verify", "--remote", "legacy/diffusion/dti/*", cwd=unreachable, NEUROGISTER_RETRIES="1"
    )
    assert verified.returncode == 5
    assert {line.split("\t")[0] for line in verified.stdout.splitlines()} == {"unknown"}
    assert time.monotonic() - began < 120


def test_with_the_usual_settings_too(run, large):
    began = time.monotonic()
    done = run("pull", "legacy/diffusion/dti/dwi.bval", cwd=large.root, timeout=100)
    assert done.returncode == 5
    assert time.monotonic() - began < 60


def test_verify_tells_absent_from_damaged(run, unreachable, listener):
    absent = run("verify", cwd=unreachable)
    assert (absent.returncode, absent.stdout) == (0, "")
    assert absent.stderr == "1,229 absent\n"
    named = run("verify", "legacy/diffusion/dti/dwi.bval", cwd=unreachable)
    assert named.returncode == 3
    assert listener.calls == 0


def test_python_gets_the_same(unreachable, home, monkeypatch):
    monkeypatch.setenv("NEUROGISTER_RETRIES", "0")
    with neurogister.open(unreachable) as registry:
        assert len(registry) == 1227
        assert "legacy/diffusion/dti/dwi.bval" in registry
        (description,) = registry.info("toolbox_tests/tracking")
        assert (description.files, description.cached) == (None, None)
        with pytest.raises(NetworkError):
            registry.pull("legacy/diffusion/dti/dwi.bval", check=True)


# Plain DVC repositories.


def test_a_plain_repository_is_read_as_it_is(run, tmp_path):
    registry = make_registry(tmp_path / "registry", plain=True)
    registry.add_file("a/one.nii.gz", nifti_bytes(), record=False)
    registry.add_folder("a/dwi", dwi_files(), record=False)
    digests = digest_file(b"elsewhere")
    registry.write("models/net.bin.dvc", pointer("net.bin", digests))
    (registry.objects / digests.key).parent.mkdir(parents=True, exist_ok=True)
    (registry.objects / digests.key).write_bytes(b"elsewhere")
    registry.commit()
    listed = run("list", cwd=registry.root)
    assert listed.returncode == 0
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == [
        "a/dwi", "a/one.nii.gz", "models/net.bin"
    ]  # fmt: skip
    pulled = run("pull", cwd=registry.root)
    assert pulled.returncode == 0, pulled.stderr
    assert (registry.root / "models/net.bin").read_bytes() == b"elsewhere"
    assert (registry.root / "data/a/dwi/dwi.bval").is_file()
    assert run("verify", cwd=registry.root).returncode == 0
    for name in ("models/net.bin", "models/net.bin.dvc", "./models/net.bin"):
        assert run("info", name, cwd=registry.root).stdout.startswith("models/net.bin\n")
    assert run("list", "models", cwd=registry.root).stdout.startswith("models/net.bin\t")
    assert run("doctor", cwd=registry.root).returncode == 0


def pointer(path, digests, **more):
    folder = {} if digests.nfiles is None else {"nfiles": digests.nfiles}
    out = {"md5": digests.md5, "size": digests.size, **folder, "hash": "md5", "path": path}
    return to_yaml({"outs": [out | more]})


def test_pointers_of_dvc_2_are_pulled_from_where_they_are(run, tmp_path):
    registry = make_registry(tmp_path / "registry", plain=True, legacy=True)
    registry.add_file("a/text.txt", b"one\r\ntwo\r\n", record=False)
    registry.add_file("a/one.nii.gz", nifti_bytes(), record=False)
    registry.add_folder("a/dwi", dwi_files(), record=False)
    registry.add_old_package("vendor/pack", {"x/y.bin": b"xy"})
    registry.commit()
    done = run("pull", cwd=registry.root)
    assert done.returncode == 0, done.stderr
    assert (registry.root / "data/a/text.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert (registry.root / "data/a/dwi/dwi.bval").is_file()
    assert (registry.root / "store/vendor/pack/x/y.bin").read_bytes() == b"xy"
    verified = run("verify", cwd=registry.root)
    assert (verified.returncode, verified.stderr) == (0, "7 ok\n")


def test_vendors_with_meta_yml_and_bare_packages(run, tmp_path):
    registry = make_registry(tmp_path / "registry", plain=True)
    registry.add_old_package("lab/first", {"a.bin": b"a", "deep/b.bin": b"b"})
    registry.add_old_vendor("empty")
    registry.commit()
    shape = run("list", "--vendors", cwd=registry.root).stdout.splitlines()
    assert shape == ["empty\t\t0\tTest data of empty", "lab\t\t1\tTest data of lab"]
    done = run("pull", "lab/first", cwd=registry.root)
    assert done.stdout == f"{registry.root}/store/lab/first\n"
    assert (registry.root / "store/lab/first/deep/b.bin").read_bytes() == b"b"
    versions = run("versions", "lab/first", cwd=registry.root)
    assert versions.stdout.startswith("1\t2024-01-01")


def test_an_import_of_dvc_is_data_like_any_other(run, tmp_path):
    registry = make_registry(tmp_path / "registry", plain=True)
    digests = digest_file(b"imported")
    (registry.objects / digests.key).parent.mkdir(parents=True)
    (registry.objects / digests.key).write_bytes(b"imported")
    out = {"md5": digests.md5, "size": digests.size, "hash": "md5", "path": "it.bin"}
    dependency = {
        "path": "x/it.bin",
        "repo": {"url": "https://127.0.0.1:9/r", "rev_lock": "0" * 40},
    }
    registry.write(
        "data/a/it.bin.dvc",
        to_yaml({"md5": "0" * 32, "frozen": True, "deps": [dependency], "outs": [out]}),
    )
    registry.write("data/a/it.bin.txt", "no pointer")
    registry.commit()
    assert run("list", cwd=registry.root).stdout.startswith("a/it.bin\t")
    done = run("pull", "a/it.bin", cwd=registry.root)
    assert done.returncode == 0, done.stderr
    assert (registry.root / "data/a/it.bin").read_bytes() == b"imported"


# Broken.


@pytest.fixture
def partly(tmp_path):
    """A registry with one good pointer, and others that are not."""
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/good.bin", b"good")
    registry.write("data/a/digest.bin.dvc", "outs:\n- md5: nonsense\n  path: digest.bin\n")
    registry.write("data/a/yaml.bin.dvc", "outs:\n  - [\n")
    registry.write("data/a/empty.bin.dvc", "")
    registry.write("data/b/escape.bin.dvc", pointer("../../escape", digest_file(b"x")))
    registry.commit()
    return registry


BROKEN = {
    "a/digest.bin": "data/a/digest.bin.dvc:2",
    "a/empty.bin": "data/a/empty.bin.dvc",
    "a/yaml.bin": "data/a/yaml.bin.dvc:3",
    "b/escape.bin": "data/b/escape.bin.dvc:5",
}


def test_broken_pointers_are_listed_and_the_good_ones_work(run, partly):
    listed = run("list", cwd=partly.root)
    assert listed.returncode == 0
    rows = [line.split("\t") for line in listed.stdout.splitlines()]
    assert {row[0]: row[7] for row in rows} == {"a/good.bin": "active"} | dict.fromkeys(
        BROKEN, "broken"
    )
    assert len([line for line in listed.stderr.splitlines() if line.startswith("warning: ")]) == 4
    assert run("pull", "a/good.bin", cwd=partly.root).returncode == 0
    assert run("verify", "a/good.bin", cwd=partly.root).returncode == 0
    assert run("info", "a/g*", cwd=partly.root).returncode == 0
    everything = run("pull", "-o", "out", cwd=partly.root)
    assert everything.returncode == 4
    assert (partly.root / "out/a/good.bin").read_bytes() == b"good"
    assert len([line for line in everything.stderr.splitlines() if line.startswith("  - ")]) == 4


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_pointer_is_named_with_its_line(run, partly, name):
    for command in ("info", "pull", "versions", "locate", "verify"):
        done = run(command, name, cwd=partly.root)
        assert (done.returncode, done.stdout) == (4, ""), command
        assert done.stderr.startswith(f"error: {BROKEN[name]}"), done.stderr
        assert "Traceback" not in done.stderr
    assert not (partly.root.parent / "escape").exists()


def test_a_broken_pointer_in_python(partly, home):
    with neurogister.open(partly.root) as registry:
        assert len(registry) == 5
        assert "a/digest.bin" in registry
        with pytest.raises(InvalidFileError, match=r"data/a/digest\.bin\.dvc:2"):
            registry["a/digest.bin"]


def test_a_broken_registry_yaml_hurts_only_what_needs_it(run, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/good.bin", b"good")
    registry.write("registry.yaml", "name: x\ndtypes: [1\n")
    registry.commit()
    assert run("pull", "a/good.bin", cwd=registry.root).returncode == 0
    assert run("list", cwd=registry.root).stdout.startswith("a/good.bin\t")
    dtypes = run("list", "--dtypes", cwd=registry.root)
    assert (dtypes.returncode, dtypes.stdout) == (4, "")
    assert dtypes.stderr.startswith("error: registry.yaml:")
    assert run("doctor", cwd=registry.root).returncode == 1


def test_a_broken_collection_or_vendor_is_told_beside_the_others(run, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/good.bin", b"good")
    registry.write("data/a/collection.yaml", "title: [\n")
    registry.write("store/lab/vendor.yaml", "- 1\n")
    registry.commit()
    for option, path in (("--collections", "data/a/collection.yaml"), ("--vendors", "store/lab/")):
        done = run("list", option, cwd=registry.root)
        assert done.returncode == 0
        assert done.stderr.startswith(f"warning: {path}")
    assert run("pull", cwd=registry.root).returncode == 0


def test_a_broken_dvc_config_is_named(run, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/good.bin", b"good")
    registry.write(".dvc/config", "[core\n")
    registry.commit()
    assert run("list", cwd=registry.root).returncode == 0
    shown = run("info", "a/good.bin", cwd=registry.root)
    assert shown.returncode == 0, shown.stderr
    done = run("pull", "a/good.bin", cwd=registry.root)
    assert done.returncode == 4
    assert done.stderr.startswith("error: .dvc/config")


# Empty, or none at all.


def test_an_empty_registry_has_nothing_and_says_so(run, tmp_path):
    registry = make_registry(tmp_path / "registry")
    done = run("list", cwd=registry.root)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"{registry.root} has no datasets\n"
    for command in (("pull",), ("verify",), ("cache", "ls"), ("doctor",)):
        assert run(*command, cwd=registry.root).returncode == 0
    assert run("info", "x", cwd=registry.root).returncode == 3


def test_a_repository_without_commits_shows_what_is_there(run, tmp_path):
    run_git("init", "--quiet", str(tmp_path / "new"))
    done = run("list", cwd=tmp_path / "new")
    assert (done.returncode, done.stdout) == (0, "")
    (tmp_path / "new/data").mkdir()
    text = pointer("one.bin", digest_file(b"1"))
    (tmp_path / "new/data/one.bin.dvc").write_text(text)
    assert run("list", cwd=tmp_path / "new").stdout.startswith("one.bin\t")
    assert run("doctor", cwd=tmp_path / "new").returncode == 0
    rev = run("list", "--rev", "HEAD", cwd=tmp_path / "new")
    assert (rev.returncode, rev.stdout) == (3, "")


@pytest.mark.parametrize("command", [("list",), ("pull",), ("info", "x"), ("verify",)])
def test_a_folder_that_is_no_repository_ends_with_3_and_a_hint(run, tmp_path, command):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    for place in ("folder", "file", "nothing"):
        done = run("-C", place, *command, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (3, "")
        error, hint = done.stderr.splitlines()
        assert error.startswith("error: ")
        assert place in error
        assert hint.startswith("hint: Name a registry: `-C PATH` or `-C URL`")
    with pytest.raises(NotFoundError):
        neurogister.open(tmp_path / "folder")


def test_a_listing_in_the_remote_that_is_not_ours_is_refused(run, tmp_path):
    registry = make_registry(tmp_path / "registry", plain=True)
    files = {"a.bin": digest_file(b"a"), "../b.bin": digest_file(b"b")}
    digests = digest_folder(files)
    (registry.objects / digests.key).parent.mkdir(parents=True)
    (registry.objects / digests.key).write_bytes(directory_object(files))
    registry.write("data/x/bad.dvc", pointer("bad", digests))
    registry.commit()
    done = run("pull", cwd=registry.root)
    assert done.returncode in (4, 7)
    assert not (registry.root / "data/x/b.bin").exists()
    shown = run("info", "x/bad", "--remote", cwd=registry.root)
    assert shown.returncode == 0
    assert shown.stderr.startswith("warning: ")
