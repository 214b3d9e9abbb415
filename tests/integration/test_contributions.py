"""What a submission is about, as reviewers are told it."""

import pytest
from tests.factories import make_registry

import neurogister
from neurogister.model.contribution import Contribution


@pytest.fixture
def builder(home, tmp_path):
    return make_registry(tmp_path / "registry")


def submitted(root, base):
    with neurogister.open(root, "HEAD") as registry:
        report = registry.validate(base, contents=True)
    return {each.name: each for each in report.submitted}, report.others


def test_what_is_added_changed_and_removed(builder):
    builder.add_collection("c", license="CC0-1.0")
    builder.add_file("c/one.bin", b"one", id="one", title="One", dtype="dwi")
    builder.add_file("c/two.bin", b"two", id="two")
    builder.add_file("c/three.bin", b"three", id="three")
    base = builder.commit()
    builder.new_version("c/one.bin", b"eleven")
    builder.add_folder("c/four", {"a": b"1", "b": b"22"}, id="four", license="MIT")
    builder.add_package("lab/tests", ["one", "two"])
    builder.pointer_path("c/three.bin").unlink()
    builder.write("README.md", "Hello")
    builder.commit()

    found, others = submitted(builder.root, base)

    assert found.keys() == {"c/one.bin", "c/four", "c/three.bin", "lab/tests"}
    assert found["c/one.bin"] == Contribution(
        kind="dataset", change="changed", name="c/one.bin", id="one", version="2", dtype="dwi",
        license="CC0-1.0", title="One", size=6,
    )  # fmt: skip
    assert (found["c/four"].change, found["c/four"].nfiles, found["c/four"].size) == ("added", 2, 3)
    assert found["c/four"].license == "MIT"
    assert (found["c/three.bin"].change, found["c/three.bin"].id) == ("removed", "three")
    package = found["lab/tests"]
    assert (package.kind, package.change, package.version) == ("package", "added", "1.0.0")
    assert others == ["README.md", "store/lab/vendor.yaml"]


def test_files_that_cannot_be_read_are_told_all_the_same(builder):
    builder.add_collection("c", license="CC0-1.0")
    base = builder.commit()
    builder.write("data/c/x.bin.dvc", "outs: [")
    builder.write("data/c/collection.yaml", "- no mapping")
    builder.commit()

    found, others = submitted(builder.root, base)

    assert found == {"c/x.bin": Contribution(kind="dataset", change="added", name="c/x.bin")}
    assert others == ["data/c/collection.yaml"]


def test_it_is_told_only_where_it_is_asked_for(builder):
    builder.add_file("c/one.bin", b"one", id="one")
    builder.commit()
    with neurogister.open(builder.root) as registry:
        report = registry.validate()
    assert (report.submitted, report.others) == ([], [])
