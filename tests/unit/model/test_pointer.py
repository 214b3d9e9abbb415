"""Pointers: real ones are understood, dangerous ones refused."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from neurogister.errors import InvalidFileError
from neurogister.model.document import DocumentError
from neurogister.model.paths import check_component
from neurogister.model.pointer import Pointer

MD5 = "0123456789abcdef" * 2
PLAIN = f"outs:\n- md5: {MD5}\n  size: 120\n  hash: md5\n  path: t1.nii.gz\n"
PATH = "data/mni152/t1.nii.gz.dvc"


def parse(text, path=PATH):
    return Pointer.parse(text.encode(), path)


def test_a_file():
    assert parse(PLAIN) == Pointer(path="t1.nii.gz", md5=MD5, size=120)
    assert parse(PLAIN).digest == MD5


def test_a_folder():
    text = f"outs:\n- md5: {MD5}.dir\n  size: 5\n  nfiles: 2\n  hash: md5\n  path: sub-01\n"
    pointer = parse(text, "data/sub-01.dvc")
    assert pointer == Pointer(path="sub-01", md5=MD5, is_dir=True, size=5, nfiles=2)
    assert pointer.digest == f"{MD5}.dir"


def test_dvc_2_wrote_no_hash():
    pointer = parse(f"md5: {MD5}\nouts:\n- md5: {MD5}\n  path: t1.nii.gz\n")
    assert pointer == Pointer(path="t1.nii.gz", md5=MD5, legacy=True)


def test_an_executable_file():
    assert parse(PLAIN.replace("  hash", "  isexec: true\n  hash")).isexec


def test_an_import_is_told_and_not_followed():
    text = f"""md5: {MD5}
frozen: true
deps:
- path: data
  repo:
    url: ext::sh -c 'touch gotcha'
    rev_lock: x
{PLAIN}"""
    assert parse(text) == Pointer(path="t1.nii.gz", md5=MD5, size=120, imported=True)


def test_a_remote_of_its_own():
    assert parse(PLAIN.replace("  hash", "  remote: other\n  hash")).remote == "other"


def test_what_dvc_may_add_does_no_harm():
    text = PLAIN.replace("  hash", "  cache: true\n  push: false\n  type: x\n  labels: [a]\n  hash")
    assert (
        parse(f"{text}wdir: .\ndesc: mine\nmeta: {{other: [1]}}\nalways_changed: false\n").desc
        == "mine"
    )


def test_our_record_is_read():
    record = parse(f"{PLAIN}meta:\n  neurogister:\n    id: mni-t1\n    version: 1\n").record
    assert (record.id, record.version) == ("mni-t1", 1)


def test_a_broken_record_is_told_with_its_line():
    with pytest.raises(
        DocumentError, match=r"^data/mni152/t1\.nii\.gz\.dvc:9:14: meta\.neurogister\.v"
    ):
        parse(f"{PLAIN}meta:\n  neurogister:\n    id: mni-t1\n    version: one\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a pointer: it holds null"),
        ("[]", "not a pointer: it holds a list"),
        ("text", "not a pointer"),
        ("a: b", "outs must have exactly one entry, not 0"),
        ("outs: x", "outs must be a list"),
        ("outs: [x]", r"outs\[0\] must be a mapping"),
        (f"{PLAIN}- md5: {MD5}\n  path: other\n", "exactly one entry, not 2"),
        (f"{PLAIN}cmd: touch gotcha\n", "cmd is not allowed"),
        (f"{PLAIN}wdir: ..\n", "wdir is not allowed"),
        (f"{PLAIN}wdir: /etc\n", "wdir is not allowed"),
        (f"{PLAIN}wdir: false\n", "wdir is not allowed"),
        (PLAIN.replace("  hash", "  files: []\n  hash"), r"outs\[0\]\.files is not supported"),
        (PLAIN.replace("  hash", "  files:\n  hash"), r"outs\[0\]\.files is not supported"),
        (PLAIN.replace("  hash", "  cloud: {a: 1}\n  hash"), r"outs\[0\]\.cloud is not supported"),
        (PLAIN.replace("hash: md5", "hash: sha256"), r"outs\[0\]\.hash must be md5"),
        (PLAIN.replace("hash: md5", "hash: [md5]"), r"outs\[0\]\.hash must be text"),
        (PLAIN.replace(f"md5: {MD5}", "etag: abc"), r"outs\[0\]\.md5 is missing"),
        (PLAIN.replace(MD5, "1" * 32), "md5 must be text, not the number"),
        (PLAIN.replace(MD5, MD5.upper()), "md5 must be 32"),
        (PLAIN.replace(MD5, MD5[:-1]), "md5 must be 32"),
        (PLAIN.replace(MD5, f"{MD5}0"), "md5 must be 32"),
        (PLAIN.replace(MD5, f'"{MD5}\\n"'), "md5 must be 32"),
        (PLAIN.replace(MD5, f"{MD5}.dirx"), "md5 must be 32"),
        (PLAIN.replace(MD5, f"../../../{MD5[:23]}"), "md5 must be 32"),
        (PLAIN.replace(MD5, "٣" * 32), "md5 must be 32"),
        (PLAIN.replace("120", "-1"), "size must be"),
        (PLAIN.replace("120", "true"), "size must be .*, not true"),
        (PLAIN.replace("120", "1.5"), "size must be"),
        (PLAIN.replace("120", "'120'"), "size must be"),
        (PLAIN.replace("120", str(2**53)), "size must be"),
        (PLAIN.replace("size: 120", "nfiles: x"), "nfiles must be"),
        (PLAIN.replace("  hash", "  isexec: 1\n  hash"), "isexec must be true or false"),
        (PLAIN.replace("  hash", "  remote: [x]\n  hash"), "remote must be text"),
        (PLAIN.replace("path: t1.nii.gz", "path:"), "path is missing"),
        (PLAIN.replace("path: t1.nii.gz", "path: 5"), "path must be text"),
        (PLAIN.replace("t1.nii.gz", "t2.nii.gz"), "pointer's own name"),
        (PLAIN.replace("t1.nii.gz", "../t1.nii.gz"), "path is"),
        (PLAIN.replace("t1.nii.gz", "/etc/passwd"), "path is"),
        (PLAIN.replace("t1.nii.gz", "./t1.nii.gz"), "path is"),
        (PLAIN.replace("t1.nii.gz", "file:///etc/passwd"), "path is"),
        (PLAIN.replace("t1.nii.gz", "..\\t1.nii.gz"), "path is"),
        (PLAIN.replace("t1.nii.gz", '"t1.nii.gz\\n"'), "path is"),
        (PLAIN.replace("t1.nii.gz", "T1.nii.gz"), "pointer's own name"),
        (f"{PLAIN}meta: x\n", "meta must be a mapping"),
        (f"{PLAIN}meta: {{neurogister: [1]}}\n", "meta.neurogister must be a mapping"),
        (f"{PLAIN}desc: [1]\n", "desc must be text"),
    ],
    ids=lambda text: ascii(text[-40:]),
)  # fmt: skip
def test_what_could_do_harm_is_refused(text, reason):
    with pytest.raises(InvalidFileError, match=reason) as caught:
        parse(text)
    assert str(caught.value).startswith(PATH)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", [".git", ".dvc", "..", "con", "-rf", "a\u202eb"])
def test_a_pointer_with_a_harmful_name_of_its_own_is_refused(name):
    text = f"outs:\n- md5: {MD5}\n  path: '{name}'\n"
    with pytest.raises(InvalidFileError):
        parse(text, f"data/{name}.dvc")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_pointer_or_our_error(data):
    try:
        Pointer.parse(data, PATH)
    except InvalidFileError as error:
        assert str(error).startswith(PATH)


ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.lists(st.integers(), max_size=2)
)
KEYS = ["wdir", "cmd", "meta", "deps", "desc", "x"]
OUT = st.fixed_dictionaries(
    {},
    optional={
        "md5": st.just(MD5) | st.just(f"{MD5}.dir") | ODD, "size": st.integers(0, 2**60) | ODD,
        "nfiles": st.integers(0, 9) | ODD, "hash": st.just("md5") | ODD,
        "path": st.just("t1.nii.gz") | ODD, "isexec": ODD, "remote": ODD, "files": ODD,
    },
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(OUT, max_size=2), st.dictionaries(st.sampled_from(KEYS), ODD))
def test_any_document_gives_a_pointer_or_our_error(outs, rest):
    try:
        pointer = Pointer.from_document({"outs": outs, **rest}, PATH)
    except InvalidFileError:
        return
    assert pointer.path == "t1.nii.gz"
    assert len(pointer.md5) == 32
    assert pointer.size is None or 0 <= pointer.size < 2**53
    assert "cmd" not in rest or rest["cmd"] is None


def is_harmless(name):
    try:
        check_component(name)
    except ValueError:
        return False
    return True


@settings(deadline=None)
@given(
    st.text(min_size=1, max_size=20).filter(is_harmless),
    st.from_regex(r"[0-9a-f]{32}(\.dir)?", fullmatch=True),
    st.none() | st.integers(0, 2**53 - 1),
    st.booleans(),
)
def test_what_dvc_writes_comes_back(name, digest, size, legacy):
    out = {"md5": digest, "size": size, "hash": None if legacy else "md5", "path": name}
    stream = io.BytesIO()
    YAML().dump({"outs": [{key: value for key, value in out.items() if value is not None}]}, stream)
    pointer = Pointer.parse(stream.getvalue(), f"data/{name}.dvc")
    assert (pointer.path, pointer.digest, pointer.size, pointer.legacy) == (
        name,
        digest,
        size,
        legacy,
    )
