"""A deposit: files and folders become datasets."""

import hashlib
import json
import os
import re
import uuid

import pytest
from tests.conftest import cached_objects
from tests.depositing import Lab
from tests.factories import digest_file, digest_folder, dwi_files, nifti_bytes, to_yaml

import neurogister
from neurogister.model.pointer import Pointer
from neurogister.model.table import Said

NOW = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def lab(home, tmp_path):
    return Lab(tmp_path)


def pull(lab, name):
    """Return what a pull into another folder brings of a dataset."""
    out = lab.inbox.parent / "out"
    with neurogister.open(lab.root) as registry:
        report = registry.pull([name], into=out)
    assert report.errors == []
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_a_file(lab):
    data = nifti_bytes()
    source = lab.file("t1.nii.gz", data)

    one = lab.put("t1.nii.gz", data)

    digests = digest_file(data)
    assert (one.id, one.name, one.version, one.status) == ("t1", "c/t1.nii.gz", 1, "deposited")
    assert (one.md5, one.sha256, one.size) == (digests.md5, digests.sha256, len(data))
    assert (one.pointer, one.nfiles, one.file) == ("data/c/t1.nii.gz.dvc", None, str(source))
    pointer = lab.pointer("c/t1.nii.gz")
    assert pointer == Pointer(
        path="t1.nii.gz", md5=digests.md5, size=len(data), record=pointer.record
    )
    assert source.read_bytes() == data, "it stays where it was"
    assert lab.data("c/t1.nii.gz") == data
    assert list(cached_objects(lab.root / ".dvc" / "cache")) == [digests.key]
    assert (lab.root / "data/c/.gitignore").read_text() == "/t1.nii.gz\n"
    assert lab.staged() == {"A data/c/.gitignore", "A data/c/t1.nii.gz.dvc"}
    assert pull(lab, "t1") == {"c/t1.nii.gz": data}
    lab.check_clean()


def test_a_folder(lab):
    files = {**dwi_files(), "deep er/é.txt": b"x", "empty": b""}
    [one] = lab.deposit(lab.folder("dwi", files), id="dwi-1").deposited

    digests = digest_folder({name: digest_file(data) for name, data in files.items()})
    assert (one.name, one.md5, one.sha256) == ("c/dwi-1", digests.md5, digests.sha256)
    assert (one.size, one.nfiles) == (digests.size, len(files))
    pointer = lab.pointer("c/dwi-1")
    assert (pointer.digest, pointer.nfiles, pointer.size) == (digests.md5, 6, digests.size)
    rows = (lab.root / "data/c/dwi-1.manifest.csv").read_text().splitlines()
    assert rows[0] == "size,md5,sha256,path"
    assert {row.split(",")[3]: row.split(",")[2] for row in rows[1:]} == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items()
    }
    objects = cached_objects(lab.root / ".dvc" / "cache")
    assert set(objects) == {digests.key, *(each.key for each in digests.files.values())}
    assert lab.staged() == {
        "A data/c/.gitignore", "A data/c/dwi-1.dvc", "A data/c/dwi-1.manifest.csv",
    }  # fmt: skip
    assert pull(lab, "dwi-1") == {f"c/dwi-1/{name}": data for name, data in files.items()}


def test_a_large_file_is_read_in_pieces(lab):
    data = os.urandom(9 << 20)
    one = lab.put("large.bin", data)
    assert (one.md5, one.sha256) == (digest_file(data).md5, digest_file(data).sha256)
    assert lab.data("c/large.bin") == data
    lab.check_clean()


@pytest.mark.parametrize("size", [0, 1, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, 8 << 20])
def test_sizes_at_the_edges(lab, size):
    data = os.urandom(size)
    one = lab.put("x.bin", data)
    assert (one.size, one.sha256) == (size, hashlib.sha256(data).hexdigest())
    assert lab.data("c/x.bin") == data


def test_many_at_once(lab):
    paths = [lab.file(f"f{n:02}.bin", b"%d" % n) for n in range(30)]
    report = lab.deposit(*paths)
    assert [each.id for each in report.deposited] == [f"f{n:02}" for n in range(30)]
    with neurogister.open(lab.root) as registry:
        assert len(registry.list()) == 30
        assert {verdict.status for verdict in registry.verify()} == {"ok"}


def test_every_field_of_a_record(lab, monkeypatch):
    lab.git("config", "user.name", "Ada L")
    said = {
        "dtype": "any", "title": "T: it's", "description": "D\nin two lines", "license": "MIT",
        "created_by": "Somebody", "created_on": "2020-01-02", "derived_from": ("x", "y"),
        "note": "first", "metadata": {"age": 6, "ok": True, "deep": {"a": [1, "x", None]}},
    }  # fmt: skip
    lab.put(**said)
    record = lab.record("c/a.bin")
    for name in set(said) - {"note"}:
        assert getattr(record, name) == said[name], name
    assert (record.id, record.version, record.status) == ("a", 1, "active")
    [version] = record.versions
    assert (version.note, version.by, version.version) == ("first", "Ada L", 1)
    assert NOW.fullmatch(version.date)


def test_who_and_when_if_nothing_is_said(lab):
    lab.git("config", "user.name", "Ada L")
    lab.put()
    record = lab.record("c/a.bin")
    assert record.created_by == "Ada L"
    assert record.created_on == record.versions[0].date
    assert (record.dtype, record.title, record.license, record.metadata) == (None, None, None, {})


@pytest.mark.parametrize(
    ("name", "dtype", "place"),
    [
        ("t1.nii.gz", None, "t1.nii.gz"),
        ("noext", None, "noext"),
        ("T1_w-2.NII.GZ", None, "T1_w-2.NII.GZ"),
        ("a.x.yy", None, None),
        ("a.surf.gii", None, None),
        ("a.surf.gii", "surf", "a.surf.gii"),
    ],
)
def test_the_identifier_from_the_name(home, tmp_path, name, dtype, place):
    lab = Lab(tmp_path, settings={"dtypes": {"surf": {"extensions": ["surf.gii"]}}})
    if place is None:
        path = lab.file(name)
        with lab.unchanged(), pytest.raises(neurogister.UsageError) as caught:
            lab.deposit(path, dtype=dtype)
        assert "--auto-id" in caught.value.hint
    else:
        assert lab.put(name, dtype=dtype).name == f"c/{place}"


def test_given_identifiers(lab):
    assert lab.put("a b (é).nii.gz", id="Sub-01_T1").name == "c/Sub-01_T1.nii.gz"
    table = lab.file("table.csv", b"file,id\nx.wav,first\ny.wav,second\n")
    lab.file("x.wav", b"x")
    lab.file("y.wav", b"y")
    assert [each.id for each in lab.deposit(table=table).deposited] == ["first", "second"]


@pytest.mark.parametrize("kind", ["base36", "uuid"])
@pytest.mark.parametrize("auto", [True, None])
def test_made_up_identifiers(home, tmp_path, kind, auto):
    identifiers = {"auto": auto is None, "type": kind}
    lab = Lab(tmp_path, settings={"policy": {"identifiers": identifiers}})
    paths = [lab.file(f"no id {n}.nii.gz", b"%d" % n) for n in range(3)]
    report = lab.deposit(*paths, auto_id=auto)
    ids = [each.id for each in report.deposited]
    assert len(set(ids)) == 3
    for one in report.deposited:
        assert one.name == f"c/{one.id}.nii.gz"
        if kind == "uuid":
            assert str(uuid.UUID(one.id)) == one.id
        else:
            assert re.fullmatch("[0-9a-z]{8}", one.id)
    again = lab.deposit(*paths, auto_id=auto)
    assert [(each.id, each.status) for each in again.deposited] == [
        (each, "unchanged") for each in ids
    ]


def test_no_auto_id_wins_over_the_policy(home, tmp_path):
    lab = Lab(tmp_path, settings={"policy": {"identifiers": {"auto": True}}})
    assert lab.put("name.bin", auto_id=False).id == "name"
    assert lab.put("other.bin", b"other", id="mine").id == "mine"


def test_two_of_one_name_and_content_get_two_made_up_identifiers(lab):
    one, other = lab.file("x/a.bin", b"same"), lab.file("y/a.bin", b"same")
    report = lab.deposit(one, other, auto_id=True, allow_duplicate=True)
    assert len({each.id for each in report.deposited}) == 2


@pytest.mark.parametrize(
    "digests", [["md5"], ["md5", "sha1"], ["md5", "sha1", "sha256"], ["sha256", "blake3"]]
)
def test_the_digests_of_the_policy(home, tmp_path, digests):
    if "blake3" in digests:
        pytest.importorskip("blake3")
    lab = Lab(tmp_path, settings={"policy": {"digests": digests}})
    data = b"some data"
    one = lab.put(data=data)
    [version] = lab.record("c/a.bin").versions
    assert version.md5 == hashlib.md5(data).hexdigest()
    for name in ("sha1", "sha256"):
        expected = hashlib.new(name, data).hexdigest() if name in digests else None
        assert getattr(version, name) == getattr(one, name) == expected
    assert (version.blake3 is not None) == ("blake3" in digests)
    [folder] = lab.deposit(lab.folder("f", {"x": b"x", "y": b"y"})).deposited
    assert (folder.sha256 is not None) == ("sha256" in digests)


def test_without_extensions(home, tmp_path):
    lab = Lab(tmp_path, settings={"policy": {"keep_extensions": False}})
    assert lab.put("t1.nii.gz").name == "c/t1"


def test_a_table_says_something_of_each_file(lab):
    lab.file("in/a.wav", b"a")
    lab.file("in/b.wav", b"b")
    rows = b"file,title,age,derived_from,note\na.wav,First,6,x y,n1\nb.wav,,7,,\n"
    table = lab.file("in/table.csv", rows)
    lab.deposit(table=table, title="Over", dtype="audio")
    first, second = lab.record("c/a.wav"), lab.record("c/b.wav")
    assert (first.title, first.dtype, first.metadata) == ("Over", "audio", {"age": 6})
    assert (first.derived_from, first.versions[0].note) == (("x", "y"), "n1")
    assert (second.title, second.metadata, second.derived_from) == ("Over", {"age": 7}, ())


@pytest.mark.parametrize(
    "text",
    ["a.wav: {title: First}\n", "- file: a.wav\n  title: First\n", "title: First\n"],
    ids=["mapping", "list", "for all"],
)
def test_yaml_tables(lab, text):
    path = lab.file("in/a.wav", b"a")
    lab.deposit(path, table=lab.file("elsewhere/t.yaml", text.encode()))
    assert lab.record("c/a.wav").title == "First"


def test_below_a_collection(lab):
    assert lab.put(to="c/sub-01/anat").name == "c/sub-01/anat/a.bin"
    assert lab.put("b.bin", b"b", to="data/c/sub-01/").name == "c/sub-01/b.bin"
    assert (lab.root / "data/c/sub-01/anat/.gitignore").read_text() == "/a.bin\n"


def test_a_new_collection(lab):
    lab.put(to="new/sub", new_collection=True, license="MIT")
    text = (lab.root / "data/new/collection.yaml").read_text()
    line, _, rest = text.partition("\n")
    assert line.startswith("# yaml-language-server: $schema=https://")
    assert line.endswith("/schemas/collection.schema.json")
    assert rest == "title: new\nlicense: MIT\n"
    assert "A data/new/collection.yaml" in lab.staged()
    with neurogister.open(lab.root) as registry:
        assert {"c", "new"} == {each.name for each in registry.collections()}
    before = lab.root.joinpath("data/c/collection.yaml").read_bytes()
    lab.put("b.bin", b"b", new_collection=True)
    assert lab.root.joinpath("data/c/collection.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "/a.bin\n"),
        ("", "/a.bin\n"),
        ("/x\n", "/x\n/a.bin\n"),
        ("# mine\n\n/x", "# mine\n\n/x\n/a.bin\n"),
        ("/a.bin\n/x\n", "/a.bin\n/x\n"),
        ("/x\r\n", "/x\r\n/a.bin\n"),
    ],
)
def test_the_list_of_ignored_names_is_kept(lab, before, after):
    path = lab.root / "data/c/.gitignore"
    if before is not None:
        path.write_bytes(before.encode())
    lab.put()
    assert path.read_bytes() == after.encode()


@pytest.mark.parametrize("name", ["[x]", "a b", "脳", "#x", "!x", "a-*", "x?"])
def test_hostile_names_of_files_inside_a_folder(lab, name):
    """Names that no other system knows are refused; the others come through."""
    source = lab.folder("f", {f"{name}/{name}.txt": b"x"})
    try:
        lab.deposit(source)
    except neurogister.InvalidFileError:
        assert set(name) & set("*?")
        assert lab.staged() == set()
    else:
        assert pull(lab, "f") == {f"c/f/{name}/{name}.txt": b"x"}


def test_a_file_at_its_place_in_the_work_tree(lab):
    """As with `dvc add`: it becomes a dataset where it lies."""
    place = lab.root / "data/c/here.sh"
    place.write_bytes(b"#!/bin/sh\n")
    place.chmod(0o755)
    [one] = lab.deposit(place).deposited
    assert (one.name, one.status) == ("c/here.sh", "deposited")
    assert place.read_bytes() == b"#!/bin/sh\n"
    assert lab.pointer("c/here.sh").isexec, "as dvc sees it there"
    assert lab.staged() == {"A data/c/.gitignore", "A data/c/here.sh.dvc"}
    lab.deposit(place, move=True)
    assert place.exists(), "`move` removes nothing that lies at its place"


def test_a_folder_at_its_place_in_the_work_tree(lab):
    place = lab.root / "data/c/here"
    (place / "deep").mkdir(parents=True)
    (place / "deep/x.txt").write_bytes(b"x")
    [one] = lab.deposit(place).deposited
    assert (one.name, one.nfiles) == ("c/here", 1)
    assert lab.data("c/here/deep/x.txt") == b"x"


@pytest.mark.parametrize("commit", [False, True])
def test_the_same_deposit_again_changes_nothing(lab, commit):
    paths = [lab.file(), lab.folder("f", {"x": b"x"})]
    lab.deposit(*paths, commit=commit)
    with lab.unchanged():
        again = lab.deposit(*paths, commit=commit)
    assert {each.status for each in again.deposited} == {"unchanged"}
    assert not again.changes
    assert again.commit is None


def test_a_deposit_that_is_partly_there_adds_the_rest(lab):
    first, second = lab.file("a.bin", b"a"), lab.file("b.bin", b"b")
    lab.deposit(first)
    report = lab.deposit(first, second)
    assert [each.status for each in report.deposited] == ["unchanged", "deposited"]


@pytest.mark.parametrize("how", ["dry_run", "check"])
def test_looking_changes_nothing(lab, how):
    paths = [lab.file(), lab.folder("f", {"x": b"x"}), lab.file("big.bin", bytes(5 << 20))]
    with lab.unchanged():
        report = lab.deposit(
            *paths, to="new", new_collection=True, commit=True, dtype="any", license="MIT",
            **{how: True},
        )  # fmt: skip
    assert [each.status for each in report.deposited] == ["planned"] * 3
    assert report.changes
    assert [each.version for each in report.deposited] == [1, 1, 1]
    assert not (lab.root / ".dvc/cache/files").exists(), "not even in the cache"
    real = lab.deposit(*paths, to="new", new_collection=True)
    assert [(e.id, e.md5, e.name, e.pointer) for e in real.deposited] == [
        (e.id, e.md5, e.name, e.pointer) for e in report.deposited
    ]


def test_a_check_finds_what_a_pull_request_would_be_told(lab):
    path = lab.file()
    wrong = {"created_on": "yesterday", "title": "A <b>title</b>", "dtype": "any"}
    with lab.unchanged():
        told = lab.deposit(path, check=True, **wrong).validation
    assert told.status == 1
    assert "schema" in {each.rule for each in told.errors}

    lab.deposit(path, **wrong)
    with neurogister.open(lab.root) as registry:
        staged = registry.validate("HEAD", staged=True)
    lab.registry.git("commit", "-q", "-m", "Deposit it all the same")
    with neurogister.open(lab.root, "HEAD") as registry:
        committed = registry.validate("HEAD~1")

    assert len(told.findings) >= 2
    assert told.findings == staged.findings == committed.findings


def test_a_check_of_a_sound_deposit_finds_nothing(lab):
    report = lab.deposit(lab.file(), created_on="2020-01-02", dtype="any", check=True)
    assert (report.validation.status, report.validation.findings) == (0, [])
    assert report.validation.checked == 2


def test_a_check_knows_what_is_staged_already(lab):
    lab.deposit(lab.file(), to="new", new_collection=True, dtype="any", license="MIT", title="One")
    path = lab.file("b.bin", b"other")
    assert lab.deposit(path, to="new", dtype="any", check=True).validation.status == 0


def test_a_check_of_a_sound_deposit_does_not_mind_other_work(lab):
    (lab.root / "notes.txt").write_text("not of the deposit")
    assert lab.deposit(lab.file(), dtype="any", check=True).validation.findings == []


SCHEMA = {"type": "object", "required": ["age"], "properties": {"age": {"type": "number"}}}


def test_metadata_by_the_schema_of_the_dtype(lab):
    lab.registry.write("schemas/dtypes/t1w.schema.json", json.dumps(SCHEMA))
    lab.put(dtype="t1w", metadata={"age": 6})
    path = lab.file("b.bin", b"b")
    for metadata in ({}, {"age": "six"}):
        with lab.unchanged(), pytest.raises(neurogister.RefusedError, match="age"):
            lab.deposit(path, dtype="t1w", metadata=metadata)
    lab.deposit(path, dtype="any")


def test_the_library_takes_relative_names(lab, monkeypatch):
    lab.file("in/a.bin", b"a")
    monkeypatch.chdir(lab.inbox)
    [one] = lab.deposit("in/../in/a.bin").deposited
    assert one.file == "in/../in/a.bin"


def test_an_existing_collection_without_a_file_is_one(lab):
    lab.registry.write("data/bare/x.txt", "x")
    assert lab.put(to="bare").name == "bare/a.bin"
    assert not (lab.root / "data/bare/collection.yaml").exists()


def test_said_in_one_place_wins_over_another(lab):
    path = lab.file("a.wav", b"a")
    table = lab.file("t.yaml", to_yaml({"title": "all", "x": 1, "y": {"z": 1}}).encode())
    lab.deposit(path, table=table, metadata={"y": {"w": 2}})
    assert lab.record("c/a.wav").metadata == {"x": 1, "y": {"z": 1, "w": 2}}
    assert Said(title="a").over(Said(title="b")).title == "a"
