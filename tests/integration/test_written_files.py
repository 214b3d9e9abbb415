"""Whatever we write into a registry keeps to the schemas that a pull request has to meet."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.depositing import Lab
from tests.factories import dwi_files

import neurogister
from neurogister.registry.schemas import check_files, schema_of

SCHEMA = '{"type": "object", "properties": {"age": {"type": "number"}}}'


@pytest.fixture(autouse=True)
def _home(home):
    """No settings but our own."""


def written(root: Path) -> dict[str, bytes]:
    """Return all files of a registry that have a schema."""
    paths = [path for path in root.rglob("*") if path.is_file()]
    named = {path.relative_to(root).as_posix(): path for path in paths}
    return {
        name: path.read_bytes()
        for name, path in named.items()
        if not name.startswith(".") and schema_of(name) is not None
    }


def check(root: Path) -> set[str | None]:
    """Check all files; return which kinds there were."""
    files = written(root)
    assert [each.message for each in check_files(files)] == []
    return {schema_of(name) for name in files}


def test_all_that_a_lab_does(tmp_path):
    lab = Lab(tmp_path)
    lab.file("schema.json", SCHEMA.encode())
    with neurogister.open(lab.root) as registry:
        kind = "a" * 64
        registry.add_dtype(kind, title="Any", extensions=["bin"], schema=lab.inbox / "schema.json")
        registry.deposit([lab.file("a.bin")], to="c", auto_id=True, dtype=kind, push=False,
                         metadata={"age": 6, "deep": {"er": [1, None]}}, note="first")  # fmt: skip
        registry.deposit([lab.folder("dwi", dwi_files())], to="c", id="dwi", push=False)
        registry.deposit([lab.file("b.bin", b"b")], to="new", new_collection=True, license="MIT",
                         id="b", derived_from=["dwi@1"], push=False)  # fmt: skip
        registry.deposit([lab.file("2.bin", b"2")], new_version="b", note="second", push=False)
        registry.modify(["b"], title="A title", metadata={"x": 1.5}, status="deprecated")
        registry.rename("b", "new/deep/b2.bin")
        registry.add_vendor("lab", department="physics", maintainers=["Ada <ada@example.org>"])
        registry.create_package("lab/tests", ["dwi:*.bval=q", "b"], purpose="Tests")
        registry.release("lab/tests", "1.0.0-rc.1", note="first", push=False)
        registry.add_members("lab/tests", ["dwi=all"])
        registry.release("lab/tests", "1.0.0+b.7", push=False)
        registry.deposit([lab.file("c.bin", b"c")], to="c", id="c", push=False)
        registry.withdraw(["c"], "A face in it.")
    assert check(lab.root) == {
        "collection", "dtype", "manifest", "package", "pointer", "registry", "resource", "vendor",
    }  # fmt: skip


def test_a_withdrawn_one_that_had_no_record(tmp_path):
    lab = Lab(tmp_path)
    lab.registry.add_file("c/bare.bin", b"bare")
    lab.registry.commit("Add a bare pointer")
    with neurogister.open(lab.root) as registry:
        registry.withdraw(["c/bare.bin"], "why")
    assert "resource" in check(lab.root)


_line = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="<=@"), min_size=1, max_size=20
)
_value = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | _line,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_line, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    title=st.none() | _line,
    description=st.none() | _line,
    note=st.none() | _line,
    metadata=st.dictionaries(st.text("abc_-é", min_size=1), _value, max_size=4),
    names=st.lists(st.text("abé ._+~-[]", min_size=1, max_size=9).map(lambda name: f"x{name}x"),
                   min_size=1, max_size=3, unique_by=str.casefold),
)  # fmt: skip
def test_whatever_is_said(tmp_path_factory, title, description, note, metadata, names):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.deposit(
        *[lab.file(name, name.encode()) for name in names], title=title, description=description,
        note=note, metadata=metadata, auto_id=True,
    )  # fmt: skip
    lab.deposit(lab.folder("all", dict.fromkeys(names, b"1")), id="all")
    check(lab.root)
