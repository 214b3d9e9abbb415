"""The lockfile: what is written is read again, and nothing harmful is read at all."""

import hashlib
import random
import tomllib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories import digest_file, digest_folder

from neurogister.errors import InvalidFileError, NotFoundError, RefusedError
from neurogister.model.listing import Entry, listing_md5, listing_sha256
from neurogister.model.lockdump import dump_lockfile
from neurogister.model.locked import (
    Locked,
    LockedRegistry,
    LockedRemote,
    Lockfile,
    public_url,
)
from neurogister.model.lockfile import parse_lockfile
from neurogister.model.zips import Zip
from neurogister.registry.schemas import problems

URL = "https://example.org/lab/registry.git"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def entry(path: str, data: bytes = b"", *, size: bool = True, sha256: bool = True) -> Entry:
    digests = digest_file(data or path.encode())
    return Entry(
        path,
        digests.md5,
        digests.size if size else None,
        digests.sha256 if sha256 else None,
    )


def folder(name: str, *entries: Entry, **fields) -> Locked:
    files = tuple(sorted(entries, key=lambda each: each.path))
    sizes = [each.size for each in files]
    usual = {
        "kind": "package",
        "registry": URL,
        "md5": f"{listing_md5(files)}.dir",
        "size": None if None in sizes else sum(size or 0 for size in sizes),
        "sha256": listing_sha256(files),
        "files": files,
    }
    return Locked(name=name, **(usual | fields))


def single(name: str, data: bytes = b"data", **fields) -> Locked:
    digests = digest_file(data)
    usual = {"registry": URL, "md5": digests.md5, "size": len(data), "sha256": digests.sha256}
    return Locked(name=name, **(usual | fields))


def lockfile(*locked: Locked, **fields) -> Lockfile:
    registry = LockedRegistry(
        url=URL, remotes=(LockedRemote(name="storage", url="https://example.org/data"),)
    )
    return replace(Lockfile().changed(locked, [registry]), **fields)


FULL = lockfile(
    folder("lab/tests", entry("a/b.txt"), entry("c, d.txt"), version="1.2.0", commit=COMMIT),
    folder(
        "lab/zipped",
        entry("b0.nii"),
        version="1.0.0",
        zip=Zip(name="b0 (1).zip", md5="0" * 32, size=7, sha256="a" * 64, dataset="b0-zip@1"),
    ),
    single("mni152/t1.nii.gz", id="mni-T1", version=2, executable=True, legacy=True),
    single("old/gone.wav", withdrawn=True),
    folder="tests/data",
)

# Round trip

_names = st.text("abcXYZ019_-", min_size=1, max_size=8).filter(
    lambda t: t[0] != "-" and t[-1] != "."
)
_component = _names.map(lambda t: f"n{t}")
_paths = st.lists(_component, min_size=1, max_size=3).map("/".join)
_special = st.sampled_from(["it''' is", "a,b", "ü", "x = [1]", "a#b", "'", "~", "[[locked]]"])
_entries = st.builds(
    entry,
    st.one_of(_paths.map(lambda path: f"{path}/f"), _special),
    st.binary(min_size=1, max_size=8),
    size=st.booleans(),
    sha256=st.booleans(),
)
_versions = st.one_of(
    st.none(), st.integers(1, 10**9), st.sampled_from(["1.0.0", "2.1.0-rc.1", "0.0.1+b"])
)


@st.composite
def _locked(draw) -> Locked:
    name = draw(_paths)
    fields = {
        "version": draw(_versions),
        "id": draw(st.one_of(st.none(), st.just("an-ID"))),
        "commit": draw(st.sampled_from([None, COMMIT])),
        "legacy": draw(st.booleans()),
        "withdrawn": draw(st.booleans()),
        "kind": draw(st.sampled_from(["dataset", "package"])),
    }
    if draw(st.booleans()):
        return single(name, draw(st.binary(max_size=8)), executable=draw(st.booleans()), **fields)
    files = draw(st.lists(_entries, max_size=5, unique_by=lambda each: each.path.lower()))
    if draw(st.booleans()):
        fields |= {"part": draw(_paths), "sha256": None}
    return folder(name, *_apart(files), **fields)


def _apart(files: list[Entry]) -> list[Entry]:
    """Leave out what differs in case only, or is a file and a folder."""
    kept: list[Entry] = []
    for each in files:
        try:
            parse_lockfile(dump_lockfile(lockfile(folder("x/y", *kept, each))))
        except InvalidFileError:
            continue
        kept.append(each)
    return kept


_urls = st.sampled_from([URL, "git@example.org:lab/data.git", "/srv/registry", "ssh://git@h.org/x"])
_remotes = st.builds(
    LockedRemote,
    name=_component,
    url=st.sampled_from(["s3://bucket/prefix", "https://h.org:8080/ü", "/srv/dvc", "azure://c@a"]),
    options=st.fixed_dictionaries(
        {},
        optional={
            "endpointurl": st.just("http://127.0.0.1:9000"),
            "region": st.just('eu-"1"'),
            "allow_anonymous_login": st.booleans(),
        },
    ),
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(_locked(), max_size=4, unique_by=lambda each: each.name.lower()),
    _urls,
    st.lists(_remotes, max_size=2, unique_by=lambda each: each.name),
    st.sampled_from([None, "tests/data"]),
    st.randoms(),
)
def test_what_is_written_is_read_again(locked, url, remotes, where, shuffle):
    registry = LockedRegistry(url=url, remotes=tuple(remotes))
    found = [replace(each, registry=url) for each in locked]
    value = replace(Lockfile().changed(found, [registry]), folder=where)
    data = dump_lockfile(value)

    assert parse_lockfile(data) == value
    assert problems("neurogister.lock", tomllib.loads(data.decode())) == []
    shuffle.shuffle(found)
    mixed = replace(value, locked=tuple(found))
    assert dump_lockfile(mixed) == data


def test_there_is_a_line_for_each_file_and_git_merges_them(tmp_path):
    text = dump_lockfile(FULL).decode()

    assert text.count("\n[[locked]]\n") == 4
    assert [line.rpartition(",")[2] for line in text.splitlines() if line.endswith(".txt")] == [
        "a/b.txt"
    ]
    assert '"c, d.txt"' in text
    assert "\r" not in text
    assert text.endswith("\n")


def test_line_ends_of_windows_change_nothing():
    assert parse_lockfile(dump_lockfile(FULL).replace(b"\n", b"\r\n")) == FULL


def test_a_thousand_files_are_read_fast():
    files = [entry(f"sub-{n:04}/dwi.nii.gz") for n in range(1000)]
    value = lockfile(folder("lab/big", *files))

    assert parse_lockfile(dump_lockfile(value)) == value


# What is refused

TEXT = dump_lockfile(FULL).decode()
MD5 = digest_file(b"data").md5


def test_the_example_is_read():
    assert parse_lockfile(TEXT.encode()) == FULL


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 2", "has format 2"),
        ("format = 1", "", "format is missing"),
        ("format = 1", "format = true", "format must not be True"),
        ('folder = "tests/data"', 'folder = "../out"', "would leave its folder"),
        ('folder = "tests/data"', 'folder = "/etc"', "is absolute"),
        ('folder = "tests/data"', 'folder = ".git/hooks"', "git or dvc keeps"),
        ('folder = "tests/data"', "extra = 1", "'extra'"),
        ('"mni152/t1.nii.gz"', '"../../etc/passwd"', "would leave its folder"),
        ('"mni152/t1.nii.gz"', '".git/config"', "git or dvc keeps"),
        ('"mni152/t1.nii.gz"', '"a\\u0000b"', "no plain text"),
        ('"mni152/t1.nii.gz"', '"a\\u202eb"', "no plain text"),
        ('"mni152/t1.nii.gz"', "7", "name must not be 7"),
        ("version = 2", "version = -1", "has a version that is none"),
        ("version = 2", 'version = "two"', "has a version that is none"),
        ("version = 2", "version = 2.0", "has a version that is none"),
        ("size = 4", "size = -4", "no number of bytes"),
        ("size = 4", "size = true", "no number of bytes"),
        ("size = 4", 'size = "4"', "no number of bytes"),
        (f'md5 = "{MD5}"', 'md5 = "../../x"', "md5 that is none"),
        (f'md5 = "{MD5}"', f'md5 = "{MD5.upper()}"', "md5 that is none"),
        (f'md5 = "{MD5}"', f'md5 = "{MD5}.dir"', "files is missing"),
        ("executable = true", 'executable = "yes"', "executable must not be"),
        ("executable = true", 'files = "x"', "does not know: 'files'"),
        ("executable = true", 'cmd = "rm -rf /"', "does not know: 'cmd'"),
        ('id = "mni-T1"', 'id = "../x"', "has the id"),
        (f'commit = "{COMMIT}"', 'commit = "--upload-pack=x"', "commit that is none"),
        ('kind = "package"', 'kind = "program"', "unknown kind"),
        ("a/b.txt", "../b.txt", "would leave its folder"),
        ("a/b.txt", "/b.txt", "is absolute"),
        ("a/b.txt", "a/b2.txt", "other files than its md5 says"),
        ("a/b.txt", "C, d.txt", "wrong files"),
        ("size,md5,sha256,path", "size,md5,sha256", "wrong files"),
        ("size,md5,sha256,path", "size,md5,sha256,path,md5", "wrong files"),
        ("https://example.org/data", "https://me:pw@example.org/data", "has a user, a password"),
        ("https://example.org/data", "https://example.org/data?token=x", "has a user, a password"),
        ("https://example.org/data", "ext::sh -c id", "no URL and no absolute path"),
        ("https://example.org/data", "remote://other/x", "unknown kind 'remote'"),
        ("https://example.org/data", "relative/path", "no absolute path"),
        ('name = "storage"', 'name = "sto rage"', "remote with the name"),
        ('name = "storage"', 'name = "s"\naccess_key_id = "k"', "'access_key_id'"),
        ('name = "storage"', 'name = "s"\nssl_verify = false', "'ssl_verify'"),
        ('name = "storage"', 'name = "s"\nbearer_token_command = "id"', "'bearer_token_command'"),
        ('name = "storage"', 'name = "s"\nendpointurl = "http://a:b@h"', "in its endpointurl"),
        ('name = "storage"', 'name = "s"\nin_tree = "../up"', "would leave its folder"),
        ('name = "storage"', 'name = "s"\nin_tree = "remote"', "either url or in_tree"),
        (f'url = "{URL}"', 'url = "https://a:b@example.org/x"', "everybody may know"),
        (f'url = "{URL}"', 'url = "--upload-pack=id"', "everybody may know"),
        (f'url = "{URL}"', 'url = "https://other.org/x"', "has no registry"),
    ],
)
def test_what_could_do_harm_is_refused(old, new, message):
    assert old in TEXT
    with pytest.raises(InvalidFileError) as raised:
        parse_lockfile(TEXT.replace(old, new, 1).encode())
    assert message in raised.value.message
    assert raised.value.message.startswith("neurogister.lock")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"format = ",
        b"<<<<<<< ours\nformat = 1\n",
        b"format = " + b"[" * 100_000,
        b"format = 1\nfolder = " + b"{a=" * 5_000,
        b"format = " + b"9" * 10_000,
        b"format = 1\nlocked = 3\n",
        b"format = 1\nlocked = [3]\n",
        b"format = 1\n[locked]\nname = 'x'\n",
        b"format = 1\n[[registry]]\nurl = 'x'\nremote = [[]]\n",
    ],
)
def test_what_is_no_lockfile_is_refused(data):
    with pytest.raises(InvalidFileError):
        parse_lockfile(data)


def test_an_error_names_the_line_of_the_table():
    broken = TEXT.replace("version = 2", "version = -2")
    with pytest.raises(InvalidFileError) as raised:
        parse_lockfile(broken.encode())

    number = broken[: broken.index('name = "mni152')].count("\n")
    assert raised.value.message.startswith(
        f"neurogister.lock, line {number}: 'mni152/t1.nii.gz' has a version"
    )


def test_damage_never_gets_further_than_the_parser():
    shuffle = random.Random(5)
    for _ in range(300):
        data = bytearray(TEXT.encode())
        for _ in range(shuffle.randrange(1, 4)):
            data[shuffle.randrange(len(data))] = shuffle.randrange(256)
        try:
            found = parse_lockfile(bytes(data))
        except InvalidFileError:
            continue
        assert parse_lockfile(dump_lockfile(found)) == found


def test_two_entries_for_one_name_are_refused():
    start = TEXT.index('\n[[locked]]\nname = "old/gone.wav"')
    with pytest.raises(InvalidFileError, match=r"has old/gone\.wav twice"):
        parse_lockfile((TEXT + TEXT[start:]).encode())


def test_parts_of_one_dataset_must_be_of_one_version():
    one, two = entry("a"), entry("b")
    first = folder("lab/x", one, part="a", sha256=None, version="1.0.0")
    second = folder("lab/x", two, part="b", sha256=None, version="1.1.0")
    with pytest.raises(RefusedError, match="two versions"):
        lockfile(first, second)


# Names

PARTS = lockfile(
    folder("lab/tests", entry("dwi/a.bval"), entry("t1.nii.gz"), version="1.2.0", id="pack"),
    folder("scans/dwi", entry("dwi.bval"), part="dwi.bval", sha256=None, version=3),
    single("mni152/t1.nii.gz", id="mni-T1", version=2),
)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("lab/tests", ["lab/tests@1.2.0 None"]),
        ("lab/tests@1.2.0", ["lab/tests@1.2.0 None"]),
        ("lab/tests:dwi", ["lab/tests@1.2.0 dwi"]),
        ("lab/tests@1.2.0:dwi/a.bval", ["lab/tests@1.2.0 dwi/a.bval"]),
        ("scans/dwi", ["scans/dwi@3:dwi.bval None"]),
        ("scans/dwi:dwi.bval", ["scans/dwi@3:dwi.bval None"]),
        ("MNI-t1", ["mni152/t1.nii.gz@2 None"]),
        ("mni-T1@2", ["mni152/t1.nii.gz@2 None"]),
        ("*/t*", ["lab/tests@1.2.0 None", "mni152/t1.nii.gz@2 None"]),
    ],
)
def test_names_are_found(name, labels):
    found = PARTS.choose([name])

    assert [f"{each.locked.label} {each.part}" for each in found] == labels


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("lab/test", "lab/test is not in the lockfile", "Perhaps lab/tests"),
        ("lab/tests@1.3.0", "which has lab/tests@1.2.0", "lock add lab/tests@1.3.0"),
        ("scans/dwi:other", "scans/dwi:other is not in the lockfile", "lock add"),
    ],
)
def test_what_is_not_locked_is_not_found(name, message, hint):
    with pytest.raises(NotFoundError) as raised:
        PARTS.choose([name])

    assert message in raised.value.message
    assert hint in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://me:pw@h.org/x.git", "https://h.org/x.git"),
        ("https://h.org/x.git?token=t#f", "https://h.org/x.git"),
        ("ssh://git:pw@h.org/x", "ssh://git@h.org/x"),
        ("git@h.org:lab/x.git", "git@h.org:lab/x.git"),
        ("/srv/registry", "/srv/registry"),
    ],
)
def test_a_url_loses_what_is_secret(url, public):
    assert public_url(url) == public


def test_the_digest_of_a_folder_is_that_of_dvc():
    files = {"b": digest_file(b"1"), "a/c": digest_file(b"2")}
    entries = [Entry(path, each.md5, each.size, each.sha256) for path, each in files.items()]

    assert folder("x/y", *entries).md5 == digest_folder(files).md5
    assert hashlib.md5(b"1").hexdigest() == files["b"].md5


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('name = "b0 (1).zip"', 'name = "../b0.zip"', "a zip archive that is '../b0.zip'"),
        ('name = "b0 (1).zip"', 'name = "b0.tar"', "must end with .zip"),
        ('name = "b0 (1).zip"', 'nam = "b0.zip"', "name is missing"),
        ('name = "b0 (1).zip", md5 = "0', 'name = "b0.zip", md5 = "x', "an md5 that is none"),
        ("size = 7", "size = -7", "no number of bytes"),
        ('sha256 = "aaaa', 'sha256 = "AAAA', "sha256 that is none"),
        ("size = 7", "size = 7, more = 1", "does not know: 'more'"),
        ('dataset = "b0-zip@1"', 'dataset = "b0\\n"', "no plain text"),
        ("zip = {", 'zip = "b0.zip" # {', "zip must not be 'b0.zip'"),
    ],
)
def test_a_wrong_zip_archive_is_refused(before, after, said):
    text = dump_lockfile(FULL).decode()
    assert text.count(before) == 1
    with pytest.raises(InvalidFileError) as caught:
        parse_lockfile(text.replace(before, after).encode())
    assert said in str(caught.value)


def test_only_a_package_has_a_zip_archive():
    text = dump_lockfile(lockfile(single("a.nii"))).decode()
    with pytest.raises(InvalidFileError, match="does not know: 'zip'"):
        parse_lockfile(f'{text}zip = {{ name = "a.zip", md5 = "{"0" * 32}" }}\n'.encode())
