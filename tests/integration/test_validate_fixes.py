"""``validate --fix`` mends the form of files, whole or not at all, and never what they mean."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import dwi_files, make_registry

import neurogister
from neurogister.actions.validation.fixes import mend_manifest, mend_yaml
from neurogister.errors import InvalidFileError, RefusedError
from neurogister.model.document import parse_document
from neurogister.model.manifest import read_rows

POINTER = "data/c/a.dvc"
MANIFEST = "data/c/dwi.manifest.csv"
IGNORE = "data/c/.gitignore"


@pytest.fixture(autouse=True)
def _home(home):
    """No settings but our own."""


@pytest.fixture
def registry(tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("c/a", b"a", id="a")
    registry.add_folder("c/dwi", dwi_files(), id="dwi")
    registry.commit("Add data")
    return registry


def fix(registry, **options):
    with neurogister.open(registry.root) as opened:
        return opened.validate(fix=True, **options)


def test_nothing_is_mended_where_nothing_is_wrong(registry):
    before = registry.git("status", "--porcelain")
    report = fix(registry)
    assert (report.fixed, report.findings) == ([], [])
    assert registry.git("status", "--porcelain") == before


def spoil(registry):
    """Spoil the form of files, each in its own way; return what they were."""
    root = registry.root
    before = {path: (root / path).read_bytes() for path in (POINTER, MANIFEST, IGNORE)}
    spoilt = before[POINTER].replace(b"\n", b" \r\n").removesuffix(b" \r\n")
    (root / POINTER).write_bytes(b"\xef\xbb\xbf" + spoilt)
    os.chmod(root / POINTER, 0o755)
    head, *rows = before[MANIFEST].splitlines(keepends=True)
    (root / MANIFEST).write_bytes(head + b"".join([*reversed(rows), rows[0]]))
    (root / IGNORE).write_bytes(b"/a\n*.log\n/other\n")
    return before


def test_the_form_of_files_is_mended(registry):
    before = spoil(registry)
    with neurogister.open(registry.root) as opened:
        wrong = {each.rule for each in opened.validate().findings}
    assert wrong == {"yaml", "manifest-row", "gitignore-line", "file-mode"}
    report = fix(registry)
    assert report.fixed == sorted(before)
    assert report.findings == []
    assert (registry.root / POINTER).read_bytes() == before[POINTER]
    assert (registry.root / MANIFEST).read_bytes() == before[MANIFEST]
    assert (registry.root / IGNORE).read_bytes() == b"/a\n/dwi\n"
    assert not (registry.root / POINTER).stat().st_mode & 0o111


def test_a_dry_run_changes_nothing(registry):
    spoil(registry)
    before = {path: path.read_bytes() for path in registry.root.rglob("data/*/*")}
    report = fix(registry, dry_run=True)
    assert report.fixed == [IGNORE, POINTER, MANIFEST]
    assert report.findings
    assert {path: path.read_bytes() for path in registry.root.rglob("data/*/*")} == before


def test_only_what_a_submission_changes_is_mended(registry):
    spoil(registry)
    registry.commit("Spoilt")
    assert fix(registry, base="HEAD").fixed == []


def test_nothing_is_mended_through_a_link(registry, tmp_path):
    before = spoil(registry)
    outside = tmp_path / "outside"
    outside.write_bytes(b"/a\n*.log\n")
    (registry.root / IGNORE).unlink()
    (registry.root / IGNORE).symlink_to(outside)
    try:
        fix(registry)
    except RefusedError:  # all or nothing
        assert (registry.root / POINTER).read_bytes() != before[POINTER]
    assert outside.read_bytes() == b"/a\n*.log\n"


def test_where_nothing_can_be_written_it_is_refused(registry):
    with neurogister.open(registry.root, rev="HEAD") as opened, pytest.raises(RefusedError):
        opened.validate(fix=True)


PIECES = st.lists(
    st.sampled_from(
        ["a: 1", "b: x", "c:", "- x", "  - y", "  d: 2", "e: |", "  text  ", "f: 'q", "  r'",
         'g: "s', 't"', "\n", "\r\n", " ", "\t", "# c ", "h: >-", "\ufeff", "i: [1, ", "2]"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


def value(data):
    try:
        return repr(parse_document(data, ""))
    except InvalidFileError:
        return None


@given(PIECES)
def test_yaml_keeps_its_meaning(text):
    data = text.encode()
    mended = mend_yaml(data)
    said = value(data.removeprefix(b"\xef\xbb\xbf"))
    assert value(mended) == said or mended == data
    assert mend_yaml(mended) == mended


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["1", "22", "", "x"]),
        st.sampled_from(["0" * 32, "1" * 32, "zz"]),
        st.sampled_from(["a", "b", "A", "a/b", "../a", '"q,r"', "é"]),
    ),
    max_size=6,
)


@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\ufeff"]))
def test_a_manifest_keeps_its_meaning(rows, end, mark):
    lines = ["size,md5,path", *(",".join(row) for row in rows), ""]
    data = (mark + end.join(lines)).encode()
    mended = mend_manifest(data)
    before, after = (read_rows(each.removeprefix(b"\xef\xbb\xbf")) for each in (data, mended))
    assert {entry for _, entry in before[0]} == {entry for _, entry in after[0]}
    assert [reason for _, reason in before[1]] == [reason for _, reason in after[1]]
    assert mend_manifest(mended) == mended
