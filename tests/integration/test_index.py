"""The index is never stale: after anything that git can do, it shows what is there."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.factories import make_registry
from tests.servers import run_git

from neurogister.errors import InvalidFileError
from neurogister.model.pointer import Pointer
from neurogister.registry.reader import open_reader

NAMES = st.sampled_from(["data/a/x", "data/a/y", "data/b/x", "data/z", "store/v/p", "other/m"])
NUMBERS = st.integers(0, 4)


def pointer(path, number):
    digest = hashlib.md5(b"%d" % number).hexdigest()
    name = path.rpartition("/")[2]
    record = f"meta:\n  neurogister:\n    id: id-{number}\n" if number % 2 else ""
    return f"outs:\n- md5: {digest}\n  size: {number}\n  hash: md5\n  path: {name}\n{record}"


class Checkout(RuleBasedStateMachine):
    """Does things to a checkout, and compares after each."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="neurogister-test-"))
        self.root = self.folder / "root"
        self.commits = []
        run_git("init", "--quiet", "--initial-branch=main", str(self.root))

    def teardown(self):
        shutil.rmtree(self.folder)

    def git(self, *arguments):
        return run_git(*arguments, folder=self.root)

    def try_git(self, *arguments):
        with suppress(RuntimeError):
            self.git(*arguments)

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        target.write_text(text)

    @initialize(with_registry=st.booleans())
    def begin(self, with_registry):
        if with_registry:
            self.write("registry.yaml", "name: test\n")

    @rule(path=NAMES, number=NUMBERS)
    def write_pointer(self, path, number):
        self.write(f"{path}.dvc", pointer(path, number))

    @rule(path=NAMES, number=NUMBERS)
    def write_pointer_of_the_same_size_and_time(self, path, number):
        file = self.root / f"{path}.dvc"
        if file.is_file() and not file.is_symlink():
            times = file.stat()
            file.write_text(pointer(path, number))
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns + 1))

    @rule(path=NAMES, text=st.sampled_from(["", "[", "outs: 5\n", "x: 1\n"]))
    def write_broken_pointer(self, path, text):
        self.write(f"{path}.dvc", text)

    @rule(path=NAMES)
    def write_link(self, path):
        target = self.root / f"{path}.dvc"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.symlink_to("elsewhere")

    @rule(path=NAMES, number=NUMBERS)
    def write_record(self, path, number):
        self.write(f"{path}.yaml", f"id: record-{number}\ntitle: T{number}\n")

    @rule(path=NAMES)
    def write_manifest(self, path):
        self.write(f"{path}.manifest.csv", "size,md5,sha256,path\n")

    @rule(name=st.sampled_from("ab"), number=NUMBERS)
    def write_collection(self, name, number):
        self.write(f"data/{name}/collection.yaml", f"license: L{number}\n")

    @rule(file=st.sampled_from(["vendor.yaml", "meta.yml"]), number=NUMBERS)
    def write_vendor(self, file, number):
        self.write(f"store/v/{file}", f"description: D{number}\n")

    @rule(path=NAMES, suffix=st.sampled_from([".dvc", ".yaml", ".manifest.csv"]))
    def delete(self, path, suffix):
        (self.root / f"{path}{suffix}").unlink(missing_ok=True)

    @rule(old=NAMES, new=NAMES)
    def rename(self, old, new):
        source, target = self.root / f"{old}.dvc", self.root / f"{new}.dvc"
        if os.path.lexists(source):
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)

    @rule(pattern=st.sampled_from(["", "*.dvc", "/data/a", "x.dvc"]))
    def ignore(self, pattern):
        self.write(".gitignore", f"{pattern}\n")

    @rule(what=st.sampled_from([["--all"], ["--update"], ["--intent-to-add", "."], ["data"]]))
    def add(self, what):
        self.try_git("add", *what)

    @rule(path=NAMES)
    def remove_from_index(self, path):
        self.try_git("rm", "--quiet", "--cached", f"{path}.dvc")

    @rule(everything=st.booleans(), amend=st.booleans())
    def commit(self, everything, amend):
        if everything:
            self.git("add", "--all")
        options = ["--amend"] if amend and self.commits else []
        self.try_git("commit", "--quiet", "--allow-empty", "-m", "x", *options)
        with suppress(RuntimeError):
            self.commits.append(self.git("rev-parse", "HEAD").strip())

    @precondition(lambda self: self.commits)
    @rule(data=st.data(), force=st.booleans())
    def checkout(self, data, force):
        commit = data.draw(st.sampled_from(self.commits))
        self.try_git("checkout", "--quiet", *(["--force"] if force else []), commit)

    @precondition(lambda self: self.commits)
    @rule(data=st.data(), mode=st.sampled_from(["--soft", "--mixed", "--hard"]))
    def reset(self, data, mode):
        self.try_git("reset", "--quiet", mode, data.draw(st.sampled_from(self.commits)))

    @precondition(lambda self: self.commits)
    @rule(data=st.data())
    def merge(self, data):
        other = data.draw(st.sampled_from(self.commits))
        self.try_git("merge", "--quiet", "--no-edit", "--allow-unrelated-histories", other)

    @rule(untracked=st.booleans())
    def stash(self, untracked):
        self.try_git("stash", "--quiet", *(["--include-untracked"] if untracked else []))

    @rule()
    def stash_pop(self):
        self.try_git("stash", "pop", "--quiet")

    @rule(name=st.sampled_from(["one", "two"]))
    def orphan_branch(self, name):
        self.try_git("checkout", "--quiet", "--orphan", f"{name}{len(self.commits)}")

    @rule(how=st.sampled_from(["delete", "damage"]))
    def lose_the_index(self, how):
        for path in (self.folder / "cache" / "index").glob("*"):
            if how == "delete":
                path.unlink()
            elif path.suffix == ".db":
                path.write_bytes(b"x" * path.stat().st_size)

    @rule(data=st.data())
    def look_back(self, data):
        if self.commits:
            rev = data.draw(st.sampled_from(self.commits))
            reader = self.open("cache", rev)
            assert shown(reader) == shown(self.open("fresh", rev))
            assert digests(reader) == self.expected_at(rev)
            reader.close()

    @invariant()
    def shows_what_is_there(self):
        reader = self.open("cache")
        fresh = self.open("fresh")
        assert shown(reader) == shown(fresh)
        assert digests(reader) == self.expected_now()
        self.check_lookups(reader)
        reader.close()
        fresh.close()

    def open(self, cache, rev=None):
        if cache == "fresh":
            shutil.rmtree(self.folder / "fresh", ignore_errors=True)
        return open_reader(self.root, rev=rev, cache=self.folder / cache)

    def check_lookups(self, reader):
        everything = reader.everything()
        other = self.open("cache")
        for item in everything:
            found = other.find_place(item.place)
            assert item in found
            if item.pointer is not None:
                assert item in other.find_digest(item.pointer.md5)
            if item.id is not None:
                assert item in other.find_name(item.id)
        assert other.find_name("no-such-id") == []
        other.close()

    def expected_now(self):
        """Read all there is, with none of the code under test but the pointer itself."""
        listed = self.git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        contents = {}
        for path in set(listed.split("\0")):
            file = self.root / path
            if path.endswith(".dvc") and os.path.lexists(file):
                contents[path] = None if file.is_symlink() else file.read_bytes()
        return parsed(contents)

    def expected_at(self, rev):
        contents = {}
        for line in self.git("ls-tree", "-r", "-z", rev).split("\0"):
            meta, _, path = line.partition("\t")
            if path.endswith(".dvc"):
                link = meta.startswith("120000")
                contents[path] = None if link else self.git("show", f"{rev}:{path}").encode()
        return parsed(contents)


def parsed(contents):
    found = {}
    for path, data in contents.items():
        try:
            found[path] = Pointer.parse(data, path).digest if data is not None else "broken"
        except InvalidFileError:
            found[path] = "broken"
    return found


def digests(reader):
    return {
        item.pointer_path: item.pointer.digest if item.pointer else "broken"
        for item in reader.everything()
        if item.pointer_path
    }


def shown(reader):
    return (reader.everything(), reader.vendors(), reader.collections(), reader.commit)


def test_after_anything_that_git_can_do_the_index_shows_what_is_there():
    run_state_machine_as_test(
        Checkout,
        settings=settings(
            max_examples=10,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
def test_after_very_much_that_git_can_do_the_index_shows_what_is_there():
    run_state_machine_as_test(
        Checkout,
        settings=settings(
            max_examples=300,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def registry(tmp_path, home):
    registry = make_registry(tmp_path / "registry")
    for number in range(30):
        registry.add_file(f"c{number % 3}/x{number}", b"%d" % number, id=f"id-{number}")
    registry.commit()
    return registry


def test_nothing_is_parsed_twice(registry, tmp_path, monkeypatch):
    open_reader(registry.root, cache=tmp_path / "cache").everything()
    calls = []

    def counted(data, path, **options):
        calls.append(path)
        raise AssertionError(path)

    monkeypatch.setattr("neurogister.registry.view.parse_document", counted)
    reader = open_reader(registry.root, cache=tmp_path / "cache")
    assert len(reader.datasets()) == 30
    registry.git("mv", "data/c0/x0.dvc", "data/c1/x0.dvc")
    registry.commit()
    reader = open_reader(registry.root, cache=tmp_path / "cache")
    assert reader.get("id-0").name == "c1/x0"
    assert calls == []


def test_a_warm_start_needs_no_yaml(registry, tmp_path):
    open_reader(registry.root, cache=tmp_path / "cache").everything()
    script = (
        "import sys; from pathlib import Path\n"
        "from neurogister.registry.reader import open_reader\n"
        f"reader = open_reader({str(registry.root)!r}, cache=Path({str(tmp_path / 'cache')!r}))\n"
        "assert len(reader.datasets()) == 30\n"
        "heavy = {'yaml', 'ruamel', 'git', 'filelock', 'tempfile', 'difflib'}\n"
        "print(*sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_one_lookup_does_not_read_everything(registry, tmp_path, monkeypatch):
    open_reader(registry.root, cache=tmp_path / "cache").everything()
    reader = open_reader(registry.root, cache=tmp_path / "cache")
    seen = []
    from neurogister.registry import contents

    original = contents._parse_row
    monkeypatch.setattr(contents, "_parse_row", lambda row: seen.append(row.path) or original(row))
    assert reader.resolve(["id-7"])[0].item.name == "c1/x7"
    assert [path for path in seen if path.endswith(".dvc")] == ["data/c1/x7.dvc"]


def test_the_index_of_one_registry_is_not_that_of_another(registry, tmp_path):
    other = make_registry(tmp_path / "other")
    other.add_file("c0/x0", b"other", id="other-0")
    other.commit()
    cache = tmp_path / "cache"
    assert len(open_reader(registry.root, cache=cache).datasets()) == 30
    assert len(open_reader(other.root, cache=cache).datasets()) == 1
    assert open_reader(registry.root, cache=cache).get("id-0").pointer.size == 1


def test_a_registry_that_was_made_anew_at_the_same_place(registry, tmp_path):
    cache = tmp_path / "cache"
    assert len(open_reader(registry.root, cache=cache).datasets()) == 30
    shutil.rmtree(registry.root)
    other = make_registry(registry.root)
    other.add_file("c0/x0", b"other", id="other-0")
    other.commit()
    assert [item.id for item in open_reader(registry.root, cache=cache).datasets()] == ["other-0"]


def test_a_cache_that_cannot_be_written_only_costs_time(registry, tmp_path):
    (tmp_path / "cache").write_text("a file")
    assert len(open_reader(registry.root, cache=tmp_path / "cache").datasets()) == 30


def test_a_database_that_breaks_while_it_is_open(registry, tmp_path):
    reader = open_reader(registry.root, cache=tmp_path / "cache")
    assert reader.find_name("id-3")
    reader._view._index._connection.execute("DROP TABLE entry")
    assert reader.find_name("id-4")
    assert len(reader.datasets()) == 30


def test_a_locked_database_is_not_waited_for_for_ever(registry, tmp_path, monkeypatch):
    monkeypatch.setattr("neurogister.registry.index._TIMEOUT", 0.1)
    open_reader(registry.root, cache=tmp_path / "cache").everything()
    registry.add_file("c0/new", b"new", id="new-one")
    registry.commit()
    (path,) = (tmp_path / "cache" / "index").glob("*.db")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        assert open_reader(registry.root, cache=tmp_path / "cache").get("new-one")
    finally:
        connection.close()


def test_two_readers_of_different_moments_share_an_index(registry, tmp_path):
    first = open_reader(registry.root, cache=tmp_path / "cache")
    assert first.find_name("id-1")
    registry.add_file("c0/new", b"new", id="new-one")
    registry.commit()
    second = open_reader(registry.root, cache=tmp_path / "cache")
    assert second.find_name("new-one")
    assert first.find_name("new-one") == []
    assert first.find_name("id-2")
    assert len(first.datasets()) == 30
    assert len(second.datasets()) == 31


_LIST = """
import sys
from pathlib import Path
from neurogister.registry.reader import open_reader
for _ in range(5):
    reader = open_reader(sys.argv[1], cache=Path(sys.argv[2]))
    assert len(reader.datasets()) >= 30, len(reader.datasets())
    assert reader.find_name("id-7")
    reader.close()
"""


def test_processes_share_an_index_while_the_branch_moves(registry, tmp_path):
    command = [sys.executable, "-c", _LIST, str(registry.root), str(tmp_path / "cache")]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(5)
    ]
    number = 100
    while any(process.poll() is None for process in processes):
        registry.add_file(f"c0/x{number}", b"%d" % number, id=f"id-{number}")
        registry.commit()
        number += 1
    for process in processes:
        _, complaint = process.communicate()
        assert process.returncode == 0, complaint
    reader = open_reader(registry.root, cache=tmp_path / "cache")
    assert len(reader.datasets()) == 30 + number - 100
