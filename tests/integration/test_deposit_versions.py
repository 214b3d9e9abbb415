"""New versions: the ledger grows, the identifier stays, old versions remain."""

import pytest
from tests.depositing import Lab
from tests.factories import digest_file, digest_folder, dwi_files

import neurogister
from neurogister.actions.withdraw import withdraw
from neurogister.errors import NeurogisterError, RefusedError, UsageError
from neurogister.model.document import parse_document


@pytest.fixture
def lab(home, tmp_path):
    return Lab(tmp_path)


def pull(lab, name):
    """Return what a pull into another folder brings."""
    out = lab.inbox.parent / "out" / name
    with neurogister.open(lab.root) as registry:
        report = registry.pull([name], into=out)
    assert report.errors == []
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_a_file(lab):
    lab.put("a.bin", b"one", title="T", note="first")
    one = lab.put("renamed-by-me.dat", b"two", new_version="a", note="second")
    assert (one.id, one.name, one.version, one.status) == ("a", "c/a.bin", 2, "deposited")
    record = lab.record("c/a.bin")
    assert [(v.version, v.md5, v.note) for v in record.versions] == [
        (1, digest_file(b"one").md5, "first"),
        (2, digest_file(b"two").md5, "second"),
    ]
    assert (record.id, record.version, record.title) == ("a", 2, "T")
    assert lab.pointer("c/a.bin").md5 == digest_file(b"two").md5
    assert lab.data("c/a.bin") == b"two"
    assert pull(lab, "a@1") == {"c/a.bin": b"one"}
    assert pull(lab, "a@2") == {"c/a.bin": b"two"}


def test_a_folder(lab):
    old, new = dwi_files(), {**dwi_files(seed=2), "more/x": b"x"}
    lab.deposit(lab.folder("v1", old), id="dwi")
    [one] = lab.deposit(lab.folder("v2", new), new_version="c/dwi").deposited
    assert (one.version, one.nfiles) == (2, 5)
    pointer = lab.pointer("c/dwi")
    expected = digest_folder({name: digest_file(data) for name, data in new.items()})
    assert (pointer.digest, pointer.nfiles, pointer.size) == (expected.md5, 5, expected.size)
    manifest = (lab.root / "data/c/dwi.manifest.csv").read_text()
    assert "more/x" in manifest
    assert pull(lab, "dwi@1") == {f"c/dwi/{name}": data for name, data in old.items()}
    assert pull(lab, "dwi") == {f"c/dwi/{name}": data for name, data in new.items()}
    there = {p.name for p in (lab.root / "data/c/dwi").rglob("*") if p.is_file()}
    assert there == {name.rpartition("/")[2] for name in new}


def test_twice_changes_nothing(lab):
    lab.put("a.bin", b"one")
    lab.put("a.bin", b"two", new_version="a")
    path = lab.file("a.bin", b"two")
    with lab.unchanged():
        [one] = lab.deposit(path, new_version="a").deposited
    assert (one.status, one.version) == ("unchanged", 2)


def test_back_to_what_it_was(lab):
    lab.put("a.bin", b"one")
    lab.put("a.bin", b"two", new_version="a")
    assert lab.put("a.bin", b"one", new_version="a").version == 3
    assert [v.version for v in lab.record("c/a.bin").versions] == [1, 2, 3]
    assert pull(lab, "a") == {"c/a.bin": b"one"}


def test_a_dry_run_tells_the_number(lab):
    lab.put("a.bin", b"one")
    path = lab.file("a.bin", b"two")
    with lab.unchanged():
        [one] = lab.deposit(path, new_version="a", dry_run=True).deposited
    assert (one.status, one.version) == ("planned", 2)


def test_what_people_wrote_in_the_pointer_stays(lab):
    lab.put("a.bin", b"one", metadata={"age": 6, "site": "x"})
    path = lab.root / "data/c/a.bin.dvc"
    text = path.read_text().replace("    status:", "    # why\n    mine: [1, 2]\n    status:")
    text = text.replace("  hash: md5\n", "  hash: md5\n  desc: 'of: dvc'\n  push: false\n")
    path.write_text(f"# top\n{text}# end\n")

    lab.put("a.bin", b"two!", new_version="a", metadata={"age": 7}, title="New")

    text = path.read_text()
    for kept in ("# top\n", "    # why\n    mine: [1, 2]\n", "  desc: 'of: dvc'\n", "# end\n"):
        assert kept in text
    document = parse_document(path.read_bytes(), "x")
    assert document["outs"][0]["push"] is False
    assert document["outs"][0]["size"] == 4
    record = lab.record("c/a.bin")
    assert (record.title, record.metadata) == ("New", {"age": 7, "site": "x"})


@pytest.mark.parametrize("meta", ["", "meta:\n", "meta: {}\n", "meta:\n  other: 1\n",
                                  "meta:\n  neurogister:\n", "meta:\n  neurogister: {}\n",
                                  "meta:\n  neurogister:\n    versions:\n"])  # fmt: skip
def test_a_pointer_without_a_record_gets_its_ledger_from_git(lab, meta):
    digests = []
    for data in (b"one", b"two"):
        digests.append(lab.registry.add_file("c/bare.bin", data, record=False).md5)
        path = lab.registry.root / "data/c/bare.bin.dvc"
        path.write_text(path.read_text() + meta)
        lab.registry.commit()
    one = lab.put("x.bin", b"three", new_version="c/bare.bin", note="third")
    assert (one.id, one.version) == ("bare", 3)
    record = lab.record("c/bare.bin")
    assert [(v.version, v.md5) for v in record.versions] == [
        (1, digests[0]), (2, digests[1]), (3, digest_file(b"three").md5),
    ]  # fmt: skip
    assert [v.note for v in record.versions] == [None, None, "third"]
    assert "other" not in meta or b"other: 1" in path.read_bytes()
    with lab.unchanged():
        assert lab.deposit(lab.inbox / "x.bin", new_version="bare").deposited[0].version == 3


def test_a_bare_pointer_takes_a_given_identifier(lab):
    lab.registry.add_file("c/bare.bin", b"one", record=False)
    lab.registry.add_file("c/other.bin", b"x", id="taken")
    lab.registry.commit()
    path = lab.file("x.bin", b"two")
    with lab.unchanged(), pytest.raises(RefusedError, match="identifier Taken"):
        lab.deposit(path, new_version="c/bare.bin", id="Taken")
    assert lab.deposit(path, new_version="c/bare.bin", id="mine").deposited[0].id == "mine"


def test_old_versions_that_no_ledger_lists_are_pulled(lab):
    lab.registry.add_file("c/bare.bin", b"one", record=False)
    lab.registry.commit()
    lab.put("x.bin", b"two", new_version="c/bare.bin")
    assert pull(lab, "bare@1") == {"c/bare.bin": b"one"}


def make_legacy(lab):
    lab.registry.add_file("c/old.bin", b"x", id="old", legacy=True)


def make_folder(lab):
    lab.registry.add_folder("c/old.bin", {"x": b"x"}, id="old")


def make_withdrawn(lab):
    lab.registry.add_file("c/old.bin", b"x", id="old")
    lab.registry.commit()
    with lab.session() as session:
        withdraw(session, ["old"], "why")


def make_import(lab):
    lab.registry.add_file("c/old.bin", b"x", id="old")
    path = lab.root / "data/c/old.bin.dvc"
    path.write_text(f"frozen: true\ndeps:\n- path: x\n  repo:\n    url: u\n{path.read_text()}")


def make_outside(lab):
    lab.registry.write("data/c/old.bin.yaml", "id: old\nlocations:\n- archive: x\n")


def make_package(lab):
    lab.registry.add_file("c/x.bin", b"x", id="x")
    lab.registry.add_vendor("lab")
    lab.registry.add_package("lab/old", ["x"], id="old")


def make_broken(lab):
    lab.registry.add_file("c/old.bin", b"x", id="old")
    path = lab.root / "data/c/old.bin.dvc"
    path.write_text(path.read_text().replace("hash: md5", "hash: md6"))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (make_legacy, "DVC 2"),
        (make_folder, "is a folder, and this is a file"),
        (make_withdrawn, "withdrawn"),
        (make_import, "import"),
        (make_outside, "no dataset with a pointer"),
        (make_package, "no dataset with a pointer"),
        (make_broken, "md6"),
    ],
)
@pytest.mark.parametrize("committed", [False, True])
def test_what_gets_no_new_version(lab, make, match, *, committed):
    make(lab)
    if committed:
        lab.registry.commit()
    path = lab.file("new.bin", b"new")
    name = "c/old.bin" if make is make_broken else "old"
    for more in ({}, {"dry_run": True}):
        with lab.unchanged(), pytest.raises(NeurogisterError, match=match):
            lab.deposit(path, new_version=name, **more)


def test_a_file_does_not_become_a_folder(lab):
    lab.put("a.bin", b"one")
    folder = lab.folder("f", {"x": b"x"})
    with lab.unchanged(), pytest.raises(RefusedError, match="is a file, and this is a folder"):
        lab.deposit(folder, new_version="a")


def test_the_policy_may_forbid_them(home, tmp_path):
    lab = Lab(tmp_path, settings={"policy": {"immutable": True}})
    lab.put("a.bin", b"one")
    path = lab.file("a.bin", b"two")
    with lab.unchanged(), pytest.raises(RefusedError, match="immutable"):
        lab.deposit(path, new_version="a")


def test_the_identifier_stays(lab):
    lab.put("a.bin", b"one", id="Mine")
    path = lab.file("a.bin", b"two")
    with lab.unchanged(), pytest.raises(RefusedError, match="stays so"):
        lab.deposit(path, new_version="mine", id="other")
    with lab.unchanged(), pytest.raises(UsageError, match="leave `--to` out"):
        lab.deposit(path, new_version="mine", to="c")
    assert lab.deposit(path, new_version="mine", id="MINE").deposited[0].id == "Mine"


def test_content_of_another_dataset(lab):
    lab.put("a.bin", b"one")
    lab.put("b.bin", b"two")
    path = lab.file("x.bin", b"two")
    with lab.unchanged(), pytest.raises(RefusedError, match="same content"):
        lab.deposit(path, new_version="a")
    assert lab.deposit(path, new_version="a", allow_duplicate=True).deposited[0].version == 2


@pytest.mark.parametrize("data", [b"mine, and nowhere else", b"one"])
def test_a_changed_file_in_the_work_tree_is_not_lost(lab, data):
    """Nobody's work is overwritten that is kept nowhere else."""
    lab.put("a.bin", b"one")
    (lab.root / "data/c/a.bin").unlink()
    (lab.root / "data/c/a.bin").write_bytes(data)
    path = lab.file("a.bin", b"two")
    if data == b"one":
        lab.deposit(path, new_version="a")
        assert lab.data("c/a.bin") == b"two"
        return
    with lab.unchanged(), pytest.raises(RefusedError, match=r"a\.bin"):
        lab.deposit(path, new_version="a")


def test_the_file_in_the_work_tree_is_the_new_version(lab):
    """Edit in place, then deposit: the usual way with `dvc add`."""
    lab.put("a.bin", b"one")
    place = lab.root / "data/c/a.bin"
    place.unlink()
    place.write_bytes(b"two")
    [one] = lab.deposit(place, new_version="a", commit=True).deposited
    assert (one.version, lab.data("c/a.bin")) == (2, b"two")
    assert pull(lab, "a@1") == {"c/a.bin": b"one"}


def test_the_same_file_deposited_anew_without_saying_so(lab):
    """Content that changed under a name that is taken: it says what to type."""
    place = lab.root / "data/c/a.bin"
    place.write_bytes(b"one")
    lab.deposit(place)
    place.unlink()
    place.write_bytes(b"two")
    with lab.unchanged(), pytest.raises(RefusedError) as caught:
        lab.deposit(place)
    assert "identifier" in str(caught.value)


def test_the_schema_of_its_dtype_holds_for_new_versions(lab):
    lab.registry.write(
        "schemas/dtypes/t1w.schema.json", '{"properties": {"age": {"type": "number"}}}'
    )
    lab.put("a.bin", b"one", dtype="t1w", metadata={"age": 6})
    path = lab.file("a.bin", b"two")
    with lab.unchanged(), pytest.raises(RefusedError, match="age"):
        lab.deposit(path, new_version="a", metadata={"age": "x"})
    lab.deposit(path, new_version="a", metadata={"age": 7})


def test_a_package_keeps_its_members(lab):
    lab.put("a.bin", b"one", commit=True)
    lab.registry.add_vendor("lab")
    lab.registry.datasets.clear()
    lab.registry.write("store/lab/p.yaml", "title: P\nmembers:\n- dataset: a\n  path: a.bin\n")
    lab.registry.commit()
    before = {p: p.read_bytes() for p in (lab.root / "store").rglob("*") if p.is_file()}
    lab.put("a.bin", b"two", new_version="a")
    assert {p: p.read_bytes() for p in (lab.root / "store").rglob("*") if p.is_file()} == before
