"""All or nothing: whatever is against a deposit, the registry is as it was, byte for byte."""

import os

import pytest
from tests.depositing import Lab
from tests.factories import random_bytes

from neurogister.actions.intake import Intake
from neurogister.actions.modify import Modification, modify
from neurogister.actions.rename import rename
from neurogister.actions.withdraw import withdraw
from neurogister.errors import (
    InvalidFileError,
    NeurogisterError,
    NotFoundError,
    RefusedError,
    SeveralErrors,
    UsageError,
)
from neurogister.model.table import Said


@pytest.fixture
def lab(home, tmp_path):
    return Lab(tmp_path)


def check_refused(lab, *names, match, error=RefusedError, **options):
    """Check that a deposit is refused, with or without a dry run, and changes nothing."""
    for more in ({}, {"dry_run": True}, {"check": True, "dtype": "any"}, {"commit": True}):
        with lab.unchanged(), pytest.raises(error, match=match) as caught:
            lab.deposit(*names, **{**more, **options})
    return caught.value


# Identifiers that are taken.


def at_work_tree(lab):
    lab.registry.add_file("c/old.bin", b"old", id="taken")


def at_history(lab):
    lab.registry.add_file("c/old.bin", b"old", id="taken")
    lab.registry.commit()
    lab.git("rm", "--quiet", "data/c/old.bin.dvc")
    lab.registry.commit()


def at_another_branch(lab):
    lab.git("switch", "--quiet", "--create", "other")
    lab.registry.add_file("c/old.bin", b"old", id="taken")
    lab.registry.commit()
    lab.git("switch", "--quiet", "main")


def at_a_branch_that_was_fetched(lab):
    at_another_branch(lab)
    lab.git("update-ref", "refs/remotes/origin/theirs", "other")
    lab.git("branch", "--quiet", "-D", "other")


def at_a_tag(lab):
    at_another_branch(lab)
    lab.git("tag", "v1", "other")
    lab.git("branch", "--quiet", "-D", "other")


def at_another_case(lab):
    lab.registry.add_file("c/old.bin", b"old", id="TakeN")
    lab.registry.commit()


def at_a_tombstone(lab):
    lab.registry.add_file("c/old.bin", b"old", id="taken")
    lab.registry.commit()
    with lab.session() as session:
        withdraw(session, ["taken"], "a face in it")


def at_a_package(lab):
    lab.registry.add_file("c/old.bin", b"old", id="other")
    lab.registry.add_vendor("lab")
    lab.registry.add_package("lab/tests", ["other"], id="taken")


def at_a_resource_without_dvc(lab):
    lab.registry.write("data/c/tape.nii.yaml", "id: taken\nlocations:\n- archive: attic\n")


def at_a_renamed_dataset(lab):
    lab.registry.add_file("c/old.bin", b"old", id="taken")
    lab.registry.commit()
    with lab.session() as session:
        rename(session, "taken", "c/new.bin", commit=True)


def at_a_merge_that_was_not_fast(lab):
    at_another_branch(lab)
    lab.registry.write("data/c/other.txt", "x")
    lab.registry.commit()
    lab.git("merge", "--quiet", "--no-ff", "-m", "merge", "other")
    lab.git("rm", "--quiet", "data/c/old.bin.dvc")
    lab.registry.commit()
    lab.git("branch", "--quiet", "-D", "other")


TAKEN = [value for name, value in list(globals().items()) if name.startswith("at_")]


@pytest.mark.parametrize("make", TAKEN, ids=lambda each: each.__name__)
@pytest.mark.parametrize("given", ["option", "name", "table"])
def test_an_identifier_that_was_ever_used(lab, make, given):
    lab.put("first.bin", b"another", commit=True)  # so that there is an index of identifiers
    make(lab)
    path = lab.file("taken.bin" if given == "name" else "x.bin", b"new")
    options = {
        "option": {"id": "taken"},
        "name": {},
        "table": {"table": lab.file("t.csv", b"file,id\nx.bin,tAKEn\n")},
    }[given]
    error = check_refused(lab, path, match="the identifier", **options)
    assert "never changes its meaning" in error.hint


def test_an_identifier_twice_in_one_deposit(lab):
    one, other = lab.file("x/a.bin", b"x"), lab.file("y/A.bin", b"y")
    check_refused(lab, one, other, match=r"would both be data/c/A\.bin")
    other = lab.file("a.json", b"{}")
    check_refused(lab, one, other, match="would both be called a")
    table = lab.file("t.csv", b"file,id\nx/a.bin,one\na.json,ONE\n")
    check_refused(lab, one, other, table=table, match="would both be called ONE")
    lab.deposit(one, other, auto_id=True)


def test_made_up_identifiers_pass_over_those_that_were_used(lab):
    first = lab.put("no id.bin", auto_id=True, commit=True).id
    lab.git("rm", "--quiet", f"data/c/{first}.bin.dvc")
    lab.registry.commit()
    (lab.root / f"data/c/{first}.bin").unlink()
    second = lab.put("no id.bin", auto_id=True).id
    assert second != first


# Content, names and places.


def test_content_that_is_there_under_another_identifier(lab):
    lab.put("a.bin", b"same")
    other = lab.file("b.bin", b"same")
    error = check_refused(lab, other, match=r"c/a\.bin \(a\) has the same content")
    assert "--allow-duplicate" in error.hint
    assert lab.deposit(other, allow_duplicate=True).deposited[0].status == "deposited"


def test_content_that_an_earlier_version_had(lab):
    lab.put("a.bin", b"same")
    lab.put("a.bin", b"newer", new_version="a")
    check_refused(lab, lab.file("b.bin", b"same"), match="has the same content")


def test_content_of_a_withdrawn_dataset(lab):
    lab.put("a.bin", b"same")
    with lab.session() as session:
        withdraw(session, ["a"], "a face in it")
    check_refused(lab, lab.file("b.bin", b"same"), match="which was withdrawn")


def test_content_twice_in_one_deposit(lab):
    paths = [lab.file(f"{n}.bin", b"same") for n in "ab"]
    check_refused(lab, *paths, match="which comes with it")
    assert len(lab.deposit(*paths, allow_duplicate=True).deposited) == 2


def test_a_folder_of_known_content(lab):
    lab.deposit(lab.folder("f", {"x": b"x"}))
    check_refused(lab, lab.folder("g", {"x": b"x"}), match="has the same content")
    lab.deposit(lab.folder("h", {"y": b"x"}))


@pytest.mark.parametrize("there", ["t1.bin.dvc", "t1.bin", "t1.bin.yaml"])
def test_names_that_differ_in_case_only(lab, there):
    lab.registry.write(f"data/c/{there}", "id: other\nlocations:\n- archive: x\n")
    if there.endswith(".dvc"):
        (lab.root / "data/c" / there).unlink()
        lab.registry.add_file("c/t1.bin", b"old", id="other")
    check_refused(lab, lab.file("T1.bin", b"new"), match="differs in case only")


def test_a_dataset_at_that_place(lab):
    lab.registry.add_file("c/a.bin", b"old", id="other")
    error = check_refused(lab, lab.file("a.bin", b"new"), match="is there already")
    assert "--new-version" in error.hint


def test_something_else_at_that_place(lab):
    lab.registry.write("data/c/a.bin", b"somebody's")
    check_refused(lab, lab.file("a.bin", b"new"), match="tracked by git|in the way")


@pytest.mark.parametrize("what", ["file", "folder", "link", "dangling link", "same content"])
def test_something_in_the_way(lab, what):
    place = lab.root / "data/c/a.bin"
    match what:
        case "file":
            place.write_bytes(b"somebody's")
        case "same content":
            place.write_bytes(b"new")
        case "folder":
            place.mkdir()
            (place / "x").write_bytes(b"x")
        case "link":
            place.symlink_to(lab.inbox)
        case _:
            place.symlink_to("nowhere")
    check_refused(lab, lab.file("a.bin", b"new"), match="is in the way")


@pytest.mark.parametrize("path", ["data/c/a.bin", "data/c/f/x.txt"])
def test_what_git_itself_tracks(lab, path):
    lab.registry.write(path, b"in git")
    lab.registry.commit()
    source = lab.root / path if path.endswith("bin") else lab.root / "data/c/f"
    error = check_refused(lab, source, match="tracked by git itself")
    assert "git rm -r --cached" in error.hint


def test_inside_a_dataset(lab):
    lab.registry.add_folder("c/f", {"x": b"x"})
    check_refused(lab, lab.file(), to="c/f", match="is a dataset")
    check_refused(lab, lab.file(), to="c/f/deeper", match="is a dataset")


@pytest.mark.parametrize("folder", ["data/c/sub", "data/linked"])
def test_a_link_on_the_way(lab, folder, tmp_path):
    """Nothing is written outside the registry."""
    (tmp_path / "elsewhere").mkdir()
    (lab.root / folder).symlink_to(tmp_path / "elsewhere")
    path = lab.file()
    with lab.unchanged(), pytest.raises(RefusedError, match="link"):
        lab.deposit(path, to=folder.removeprefix("data/"))
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["a.bin.dvc", ".gitignore", "f.manifest.csv"])
def test_a_link_in_the_place_of_a_file_that_is_written(lab, name, tmp_path):
    (tmp_path / "mine").write_bytes(b"mine")
    (lab.root / "data/c" / name).symlink_to(tmp_path / "mine")
    sources = [lab.file("a.bin", b"x"), lab.folder("f", {"x": b"y"})]
    with lab.unchanged(), pytest.raises(RefusedError, match="link"):
        lab.deposit(*sources)
    assert (tmp_path / "mine").read_bytes() == b"mine"


# Sources.


def fifo(path):
    os.mkfifo(path)


def link_outside(path):
    path.symlink_to("/etc/passwd")


def link_inside(path):
    path.symlink_to(path.parent)


def dangling(path):
    path.symlink_to("nowhere")


@pytest.mark.parametrize("make", [fifo, link_outside, link_inside, dangling])
@pytest.mark.parametrize("inside", [False, True], ids=["named", "in a folder"])
def test_links_and_devices(lab, make, *, inside):
    path = lab.inbox / "f" / "x" if inside else lab.inbox / "x"
    if inside:
        lab.folder("f", {"good": b"x"})
    make(path)
    check_refused(lab, lab.inbox / "f" if inside else path, match="link|neither")


@pytest.mark.parametrize(
    ("names", "error", "match"),
    [
        (["absent"], NotFoundError, "absent"),
        (["a.bin/absent"], NotFoundError, "absent"),
        (["empty"], RefusedError, "no files"),
        (["a.bin", "a.bin"], UsageError, "twice"),
        (["a.bin", "./a.bin"], UsageError, "twice"),
        ([], UsageError, "nothing is named"),
    ],
)
def test_what_is_named_wrongly(lab, names, error, match):
    lab.file()
    (lab.inbox / "empty" / "inner").mkdir(parents=True)
    check_refused(lab, *(f"{lab.inbox}/{name}" for name in names), error=error, match=match)


NO_NAMES = ["a\nb", "a\\b", "con", "x.", " x", "\udcff", "a:b", "e\u0301"]


@pytest.mark.parametrize("name", NO_NAMES, ids=ascii)
def test_names_in_a_folder_that_no_other_system_knows(lab, name):
    folder = lab.inbox / "f"
    folder.mkdir()
    (folder / os.fsdecode(os.fsencode(name))).write_bytes(b"x")
    check_refused(lab, folder, error=InvalidFileError, match="f|file")


def test_names_in_a_folder_that_differ_in_case_only(lab):
    check_refused(
        lab, lab.folder("f", {"a": b"1", "A": b"2"}), error=InvalidFileError, match="f|file"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(lab):
    path = lab.file()
    path.chmod(0)
    check_refused(lab, path, match="cannot read")


@pytest.mark.parametrize("size", [1000, 6 << 20], ids=["small", "large"])
@pytest.mark.parametrize("move", [False, True])
def test_a_file_that_changes_while_it_is_read(lab, monkeypatch, size, *, move):
    """Whoever writes it does so between our first look and our last."""
    path = lab.file("a.bin", random_bytes(size))
    name = "_take_small" if size < 5000 else "_take_large"
    take = getattr(Intake, name)

    def take_meanwhile(*arguments):
        result = take(*arguments)
        with path.open("ab") as stream:
            stream.write(b"more")
        return result

    monkeypatch.setattr(Intake, name, take_meanwhile)
    before = lab.tree()
    with pytest.raises(RefusedError, match="changed while it was read"):
        lab.deposit(path, move=move)
    assert lab.tree() == before
    assert path.stat().st_size == size + 4
    lab.check_clean()
    monkeypatch.undo()
    path.write_bytes(b"quiet now")
    assert lab.deposit(path).deposited[0].size == 9


# Rules of the registry.

POLICIES = {
    "folders": ({"allow_directories": False}, "allows files only"),
    "licence": ({"license_required": True}, "a licence is required"),
}


@pytest.mark.parametrize("policy", POLICIES)
def test_the_policy(home, tmp_path, policy):
    rule, match = POLICIES[policy]
    lab = Lab(tmp_path, settings={"policy": rule})
    lab.registry.add_collection("bare", license=None)
    lab.registry.commit()
    source = lab.folder("f", {"x": b"x"}) if policy == "folders" else lab.file()
    check_refused(lab, source, to="bare", match=match)
    allowed = {"license": "MIT"} if policy == "licence" else {}
    source = lab.file("ok.bin")
    assert lab.deposit(source, to="bare", **allowed).deposited[0].status == "deposited"
    if policy == "licence":
        assert lab.put("x.bin", b"x").status == "deposited", "the collection has one"


def test_a_licence_that_nobody_knows_is_none(home, tmp_path):
    lab = Lab(tmp_path, settings={"policy": {"license_required": True}})
    lab.registry.add_collection("adopted", license="NOASSERTION")
    lab.registry.commit()
    check_refused(lab, lab.file(), to="adopted", match="a licence is required")


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"to": "absent"}, NotFoundError, "no collection 'absent'"),
        ({"to": None}, UsageError, "--to"),
        ({"to": "../x", "new_collection": True}, UsageError, "cannot be a collection"),
        ({"to": "a/.git", "new_collection": True}, UsageError, "cannot be a collection"),
        ({"to": "", "new_collection": True}, UsageError, "cannot be a collection"),
        ({"dtype": "dvi"}, NotFoundError, "no dtype 'dvi'"),
        ({"id": "a b"}, UsageError, "is not an identifier"),
        ({"id": "-x"}, UsageError, "is not an identifier"),
        ({"id": "x" * 256}, UsageError, "is not an identifier"),
        ({"id": "é"}, UsageError, "is not an identifier"),
        ({"title": "\x07"}, UsageError, "cannot be written so"),
        ({"metadata": {"a": "\u2028"}}, UsageError, "cannot be written so"),
        ({"metadata": {"a": "x" * 70_000}}, UsageError, "cannot be written so"),
        ({"branch": "a..b"}, UsageError, "cannot be the name"),
        ({"branch": "-x"}, UsageError, "cannot be the name"),
        ({"new_version": "c/absent.bin"}, NotFoundError, "absent"),
    ],
)
def test_wishes_that_make_no_sense(lab, options, error, match):
    path = lab.file()
    with lab.unchanged(), pytest.raises(error, match=match):
        lab.deposit(path, **options)


def test_one_identifier_for_two(lab):
    paths = [lab.file("a.bin", b"a"), lab.file("b.bin", b"b")]
    check_refused(lab, *paths, id="x", error=UsageError, match="for one file")
    check_refused(lab, *paths, new_version="x", error=UsageError, match="one file or folder")


def test_a_table_with_a_row_too_many(lab):
    table = lab.file("t.csv", b"file,title\na.bin,A\nabsent.bin,B\n")
    check_refused(lab, lab.file(), table=table, error=UsageError, match="absent.bin")
    check_refused(lab, table=table, error=NotFoundError, match="absent.bin")


def test_all_that_is_wrong_is_told_at_once(home, tmp_path):
    lab = Lab(tmp_path, settings={"policy": {"allow_directories": False}})
    names = [lab.folder(name, {"x": name.encode()}) for name in "fgh"]
    with lab.unchanged(), pytest.raises(SeveralErrors) as caught:
        lab.deposit(*names)
    assert len(caught.value.errors) == 3


def test_one_bad_file_and_none_is_deposited(lab):
    lab.put("taken.bin", b"old", commit=True)
    good = [lab.file(f"g{n}.bin", b"%d" % n) for n in range(5)]
    check_refused(lab, *good, lab.file("taken.bin", b"new"), match="is there already|identifier")


# Registries that cannot be changed.


def test_only_checkouts_of_ours_are_changed(home, tmp_path):
    lab = Lab(tmp_path)
    path = lab.file()
    (lab.root / "registry.yaml").rename(lab.root / "x.yaml")
    with lab.unchanged(), pytest.raises(RefusedError, match=r"no registry\.yaml"):
        lab.deposit(path)
    (lab.root / "x.yaml").rename(lab.root / "registry.yaml")
    (lab.root / ".dvc").rename(lab.root / "dvc")
    with lab.unchanged(), pytest.raises(RefusedError, match=r"no \.dvc"):
        lab.deposit(path)


def test_a_broken_registry_file(lab):
    lab.registry.write("registry.yaml", "name: [\n")
    check_refused(lab, lab.file(), error=NeurogisterError, match=r"registry\.yaml")


def test_a_broken_schema(lab):
    lab.registry.write("schemas/dtypes/any.schema.json", '{"$ref": "http://127.0.0.1:9/x"}')
    check_refused(lab, lab.file(), dtype="any", error=InvalidFileError, match="another schema")


def test_modify_of_what_is_not_there(lab):
    lab.put()
    for names in (["absent"], ["a", "absent"]):
        with lab.unchanged(), lab.session() as session, pytest.raises(NotFoundError):
            modify(session, names, Modification(said=Said(title="T")))
