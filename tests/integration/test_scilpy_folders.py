"""Folders unpacked for scilpy's tests: kept right, by several processes, from a lockfile."""

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.archives import FILES, Store, archive_store, stripped, zip_bytes
from tests.conftest import Run
from tests.factories import make_registry, random_files
from tests.faults import (
    FaultServer,
)

from neurogister.compat import scilpy
from neurogister.errors import (
    NeurogisterError,
    NotFoundError,
    RefusedError,
)


@pytest.fixture
def store(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with archive_store(tmp_path, monkeypatch) as store:
        yield store


# What is on disk already.


def test_a_file_that_went_missing_comes_back_without_a_download(store):
    md5 = store.add(FILES)
    scilpy.fetch_data({"bundles.zip": md5})
    (store.home / "bundles/sub/fa.nii.gz").unlink()

    scilpy.fetch_data({"bundles.zip": md5})

    assert store.tree() == {f"bundles/{name}": data for name, data in stripped(FILES).items()}
    assert store.downloads == 1


def test_another_md5_is_unpacked_anew_and_nothing_of_the_old_stays(store):
    scilpy.fetch_data({"bundles.zip": store.add(FILES)})
    other = {"bundles/af.trk": b"newer", "bundles/more": b"1"}

    scilpy.fetch_data({"bundles.zip": store.add(other)})

    assert store.tree() == {f"bundles/{name}": data for name, data in stripped(other).items()}


@pytest.mark.parametrize("same", [True, False])
def test_a_changed_file_is_kept_aside_and_told(store, same, caplog):
    md5 = store.add(FILES)
    scilpy.fetch_data({"bundles.zip": md5})
    (store.home / "bundles/af.trk").write_bytes(b"my own work")
    other = md5 if same else store.add({"bundles/af.trk": b"newer"})

    scilpy.fetch_data({"bundles.zip": other})

    (aside,) = store.home.glob("bundles.changed-*")
    assert (aside / "af.trk").read_bytes() == b"my own work"
    assert str(aside) in caplog.text
    assert (store.home / "bundles/af.trk").read_bytes() == (
        FILES["bundles/af.trk"] if same else b"newer"
    )


def test_a_file_that_was_added_does_no_harm_and_is_not_lost(store):
    md5 = store.add(FILES)
    scilpy.fetch_data({"bundles.zip": md5})
    (store.home / "bundles/af.trk.idx").write_bytes(b"index")
    scilpy.fetch_data({"bundles.zip": md5})
    assert list(store.home.glob("bundles.changed-*")) == []

    scilpy.fetch_data({"bundles.zip": store.add({"bundles/x": b"newer"})})

    assert store.tree("bundles") == {"x": b"newer"}
    (aside,) = store.home.glob("bundles.changed-*")
    assert (aside / "af.trk.idx").read_bytes() == b"index"


def test_times_that_changed_are_not_taken_for_changes(store):
    md5 = store.add(FILES)
    scilpy.fetch_data({"bundles.zip": md5})
    os.utime(store.home / "bundles/af.trk", (1, 1))
    before = os.stat(store.home / "bundles").st_ino

    scilpy.fetch_data({"bundles.zip": md5})

    assert os.stat(store.home / "bundles").st_ino == before
    assert store.downloads == 1
    assert list(store.home.glob("bundles.changed-*")) == []


@pytest.mark.parametrize("whole", [True, False])
def test_what_scilpy_unpacked_before_is_taken_over_if_it_is_whole(store, whole):
    data = zip_bytes(FILES)
    md5 = hashlib.md5(data).hexdigest()  # the server does not have it
    store.home.mkdir()
    (store.home / "bundles.zip").write_bytes(data)
    for name, content in stripped(FILES).items():
        path = store.home / "bundles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if not whole:
        (store.home / "bundles/af.trk").write_bytes(b"stream")  # interrupted

    scilpy.fetch_data({"bundles.zip": md5})

    assert store.tree("bundles") == stripped(FILES)
    assert len(list(store.home.glob("bundles.changed-*"))) == (not whole)
    assert store.downloads == 0


def test_a_note_that_makes_no_sense_is_no_note(store):
    md5 = store.add(FILES)
    scilpy.fetch_data({"bundles.zip": md5})
    note = store.home / ".neurogister/bundles.json"
    for text in ("", "[]", "{}", '{"format": 1, "md5": 1, "files": [[1]]}', "\0", "[" * 9):
        note.write_text(text)
        scilpy.fetch_data({"bundles.zip": md5})
        assert store.tree("bundles") == stripped(FILES)
        assert md5 in note.read_text()


def test_a_home_that_cannot_be_written_serves_what_it_has(store):
    if os.name == "nt" or os.geteuid() == 0:
        pytest.skip("nothing is read-only for this user")
    md5 = store.add(FILES)
    scilpy.fetch_data({"bundles.zip": md5})
    store.home.chmod(0o555)
    try:
        scilpy.fetch_data({"bundles.zip": md5})
        with pytest.raises(NeurogisterError):
            scilpy.fetch_data({"other.zip": md5})
    finally:
        store.home.chmod(0o755)


# Several processes, and killed ones.


def test_eight_processes_download_and_unpack_once(store):
    files = random_files(300, smallest=100, largest=3000, seed=1)
    md5 = store.add({f"root/{name}": data for name, data in files.items()})
    code = (
        f"fetch_data({{'many.zip': {md5!r}}})\n"
        "from pathlib import Path\n"
        "print(sum(each.is_file() for each in Path(get_home(), 'many').rglob('*')))\n"
        "print(Path(get_home(), 'many').stat().st_ino)"
    )
    processes = [store.start(code) for _ in range(8)]
    said = [process.communicate(timeout=120) for process in processes]

    assert [process.returncode for process in processes] == [0] * 8, said
    assert len({out for out, _ in said}) == 1
    assert said[0][0].split()[0] == "300"
    assert store.downloads == 1
    assert store.tree("many") == files


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_killed_unpacking_shows_nothing_and_is_done_again(store):
    files = {f"root/{n:05}": b"x" * 50 for n in range(8000)}
    md5 = store.add(files)
    process = store.start(f"fetch_data({{'many.zip': {md5!r}}})")
    work = store.home / ".neurogister/work/many"
    deadline = time.monotonic() + 60
    while len(list(work.glob(".new.*.tmp/*"))) < 20:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert not (store.home / "many").exists()
    assert work.exists()
    scilpy.fetch_data({"many.zip": md5})
    assert store.tree("many") == stripped(files, "root/")
    assert not work.exists()
    assert store.downloads == 1


# From a lockfile.


@pytest.fixture(params=[False, True], ids=["dvc 3", "dvc 2"])
def locked(store: Store, tmp_path: Path, run: Run, request: pytest.FixtureRequest) -> Iterator[str]:
    """A lockfile in the working directory with archives of a registry; the md5 of bundles.zip."""
    data = zip_bytes(FILES)
    registry = make_registry(tmp_path / "registry", legacy=request.param)
    registry.add_file("legacy/bundles.zip", data, id="bundles")
    registry.add_folder("legacy/more", {"stats.zip": zip_bytes({"s/x": b"1"}), "README": b"?"})
    registry.add_package("scilpy_tests/aodf", [("bundles", None, "bundles.zip")])
    with FaultServer(registry.objects) as server:
        registry.remote_url(server.url)
        registry.commit("Add archives")
        done = run("lock", "add", "legacy/bundles.zip", "legacy/more", "scilpy_tests/aodf", "-C",
                   registry.root, cwd=Path.cwd())  # fmt: skip
        assert done.returncode == 0, done.stderr
        yield hashlib.md5(data).hexdigest()


def test_the_lockfile_tells_which_archives_there_are_and_where(store, locked):
    archives = scilpy.get_testing_files_dict()

    assert archives["bundles.zip"] == locked
    assert sorted(archives) == ["bundles.zip", "stats.zip"]
    scilpy.fetch_data(archives)
    assert store.tree("bundles") == stripped(FILES)
    assert store.tree("stats") == {"x": b"1"}
    assert store.downloads == 0  # the registry's remote has them


def test_a_lockfile_can_lie_elsewhere(store, locked, monkeypatch, tmp_path):
    monkeypatch.setenv("NEUROGISTER_LOCKFILE", str(tmp_path / "work/neurogister.lock"))
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")

    scilpy.fetch_data(scilpy.get_testing_files_dict(), "stats.zip")

    assert store.tree("stats") == {"x": b"1"}


@pytest.mark.parametrize("which", ["legacy/bundles.zip", "scilpy_tests/aodf"])
def test_what_was_withdrawn_is_refused_even_if_it_is_here(store, locked, which):
    scilpy.fetch_data({"bundles.zip": locked})
    lockfile = Path("neurogister.lock")
    head, name, tail = lockfile.read_text().partition(f'name = "{which}"\n')
    lockfile.write_text(head + name + tail.replace("md5 =", "withdrawn = true\nmd5 =", 1))

    with pytest.raises(RefusedError, match=f"{which}.* was withdrawn"):
        scilpy.fetch_data({"bundles.zip": locked})


def test_without_a_lockfile_the_next_command_is_told(store):
    with pytest.raises(NotFoundError, match=r"no neurogister\.lock") as caught:
        scilpy.get_testing_files_dict()
    assert "neurogister lock add" in caught.value.hint


def test_a_test_package_comes_from_the_lockfile(store, locked):
    path = scilpy.pull_test_case_package("aodf")

    assert path == f"{store.home}/test_data/aodf"
    assert [each.name for each in Path(path).iterdir()] == ["bundles.zip"]
