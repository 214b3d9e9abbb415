"""What a stranger can write into a registry or a remote does no harm: `security.md`, 2.1 to 2.3.

Each attack here would work on a client that trusts what it reads. In each case it must end with an
error of ours that names the file or dataset; nothing outside the cache and the destination is
touched, nothing is run, and what else is pulled comes all the same.
"""

import hashlib
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.factories import make_registry, to_yaml
from tests.faults import FaultServer
from tests.interop.checkouts import contents, pull
from tests.servers import isolated_environment

import neurogister
from neurogister.cli.errors import exit_status
from neurogister.errors import (
    IntegrityError,
    InvalidFileError,
    NeurogisterError,
    NotFoundError,
    RefusedError,
    SeveralErrors,
)

EVIL = b"evil\n"
MD5 = hashlib.md5(EVIL).hexdigest()
SECRET = b"a secret of the user\n"
GOOD = b"good\n"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    environment = isolated_environment(tmp_path / "home")
    for name in os.environ.keys() - environment.keys():
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "home"


@pytest.fixture
def outside(tmp_path):
    """A tree that belongs to the user, beside the registry: nothing there may change."""
    folder = tmp_path / "outside"
    for name, data in {
        "secret": SECRET,
        "folder/file": b"file\n",
        "folder/empty": b"",
        ".git/config": b"[core]\n",
        ".ssh/authorized_keys": b"ssh-rsa mine\n",
    }.items():
        folder.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath(name).write_bytes(data)
    return folder


@pytest.fixture
def canary(tmp_path):
    """A file that no command may have made."""
    return tmp_path / "canary"


@pytest.fixture
def registry(tmp_path, outside, canary):
    """A registry with one good dataset; whatever else is in it is evil. Watched to the end."""
    registry = make_registry(tmp_path / "registry")
    registry.add_file("c/good.txt", GOOD)
    registry.commit("Add a good file")
    _store(registry, EVIL)
    before = contents(outside)
    git = contents_of_git(registry.root)
    names = set(os.listdir(tmp_path))
    yield registry
    assert contents(outside) == before
    assert contents_of_git(registry.root).items() >= git.items()
    assert not canary.exists()
    assert set(os.listdir(tmp_path)) <= names | {"home", "out", "registry.git"}
    assert not any(path.name.startswith("evil") for path in registry.root.rglob("*"))


def contents_of_git(root: Path) -> dict[str, bytes]:
    """Return what an attacker would like to write in a git folder."""
    git = root / ".git"
    paths = [git / "config", *git.joinpath("hooks").rglob("*"), *git.joinpath("info").rglob("*")]
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


def _store(registry, data: bytes, suffix: str = "") -> str:
    """Put an object into the remote, and return its digest."""
    md5 = hashlib.md5(data).hexdigest()
    path = registry.objects / "files" / "md5" / md5[:2] / f"{md5[2:]}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return f"{md5}{suffix}"


def add_folder(registry, listing: bytes | list, *, nfiles: int | None = None, name="c/folder"):
    """Add a pointer to a folder with any listing at all."""
    data = listing if isinstance(listing, bytes) else json.dumps(listing).encode()
    if nfiles is None:
        nfiles = len(listing) if isinstance(listing, list) else 1
    out = {
        "md5": _store(registry, data, ".dir"),
        "size": 5 * nfiles,
        "nfiles": nfiles,
        "hash": "md5",
        "path": name.rpartition("/")[2],
    }
    registry.write(f"data/{name}.dvc", to_yaml({"outs": [out]}))
    registry.commit("Add a folder")
    return data


def row(path: object, md5: object = MD5) -> dict:
    return {"md5": md5, "relpath": path}


def failure(*arguments, **options) -> NeurogisterError:
    """Return the error that a pull ends with."""
    with pytest.raises(NeurogisterError) as caught:
        pull(*arguments, **options)
    assert exit_status(caught.value) not in (0, 1)
    return caught.value


def check_the_rest_comes(registry, error_of: str) -> None:
    """Check that a pull of everything delivers the good file, and names the bad one."""
    error = failure(registry.root)
    named = error.errors if isinstance(error, SeveralErrors) else [error]
    assert all(error_of in each.message for each in named)
    assert registry.root.joinpath("data/c/good.txt").read_bytes() == GOOD


# Listings: paths.

PATHS = [
    "../evil", "../../evil", "../../../outside/evil", "a/../../evil", "a/b/../../../evil", "..",
    "../folder-evil", "/evil", "/tmp/evil", "//evil", "~/evil/../../x", "./evil", "a/./evil",
    "a//evil", "a/", "", ".", "/", "../../.git/config", "../../.git/hooks/post-checkout",
    ".git/config", "a/.git/hooks/evil", ".GIT/config", ".Git/config", "git~1/config",
    "GIT~1/config", ".dvc/config", ".DVC/config", "a/.dvc", ".gitattributes", ".gitmodules",
    "..\\evil", "a\\..\\..\\evil", "C:evil", "C:/evil", "C:\\evil", "\\\\host\\evil", "evil\n",
    "a\nevil", "a\revil", "a\tevil", "\x1b[31mevil", "evil\u202etxt", "evil\u200b", "evil\ufeff",
    "evil\x00", "evil\x7f", "evil\ud800", "-evil", " evil", "evil ", "evil.", "a./evil",
    "e\u0301vil", "aux", "con.txt", "a/NUL", "com1", "evil:stream", "evil*", "evil?", "evil|evil",
    'evil"', "<evil>", "$evil", "`evil`", "evil;", "{evil}", "evil" * 70, "/".join(["d"] * 70),
    "/".join(["d"] * 3000), ".ｇｉｔ/config", ".g\u200cit/config",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ascii(path[:40]))
def test_a_listing_with_a_path_that_leads_elsewhere(registry, path):
    add_folder(registry, [row("harmless"), row(path)])

    error = failure(registry.root, "c/folder")

    assert isinstance(error, InvalidFileError)
    assert "the listing of c/folder" in error.message
    assert error.message.isprintable()
    assert not registry.root.joinpath("data/c/folder").exists()


def test_an_absolute_path_of_the_user(registry, outside):
    add_folder(registry, [row(str(outside / "secret"))])

    assert "is absolute" in failure(registry.root, "c/folder").message


ROWS = {
    "an int": [row(5)],
    "null": [row(None)],
    "a list": [row(["a"])],
    "true": [{"md5": MD5, "relpath": True}],
    "no path": [{"md5": MD5}],
    "no md5": [{"relpath": "a"}],
    "something else": [row("a") | {"isexec": True}],
    "a link": [row("a") | {"link": "/etc/passwd"}],
    "text": ["a"],
    "a list of lists": [[row("a")]],
    "twice": [row("a"), row("a")],
    "twice, other content": [row("a"), row("a", "0" * 32)],
    "by case": [row("a"), row("A")],
    "folder by case": [row("a/x"), row("A/y")],
    "by ligature": [row("ﬁ"), row("fi")],
    "full-width": [row("ａ"), row("a")],
    "file and folder": [row("a"), row("a/b")],
    "folder and file": [row("a/b"), row("a")],
    "file and folder by case": [row("a"), row("A/b")],
    "md5 is a path": [row("a", "../../../../../outside/secret")],
    "md5 is a long path": [row("a", "../" * 10 + "ab")],
    "md5 in upper case": [row("a", MD5.upper())],
    "md5 is short": [row("a", MD5[:-1])],
    "md5 is long": [row("a", f"{MD5}0")],
    "md5 with a line": [row("a", f"{MD5}\n")],
    "md5 is a folder": [row("a", f"{MD5}.dir")],
    "md5 is a number": [row("a", 10**31)],
    "md5 is null": [row("a", None)],
    "md5 in other digits": [row("a", "０" * 32)],
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_a_listing_with_an_entry_that_is_none(registry, rows):
    add_folder(registry, rows)

    error = failure(registry.root, "c/folder")

    assert isinstance(error, InvalidFileError)
    assert "the listing of c/folder" in error.message
    assert not registry.root.joinpath("data/c/folder").exists()


LISTINGS = {
    "empty": b"",
    "not JSON": b"<html>Please log in</html>",
    "an object": b"{}",
    "null": b"null",
    "a number": b"1" * 3000,
    "NaN": b"[NaN]",
    "not UTF-8": b'[{"md5": "\xff"}]',
    "UTF-16": json.dumps([row("a")]).encode("utf-16"),
    "200,000 nested lists": b"[" * 200_000 + b"]" * 200_000,
    "200,000 open lists": b"[" * 200_000,
    "nested objects": b'{"a":' * 100_000,
    "one file too few": json.dumps([row("a")]).encode(),
    "a number of 4,000 digits": b'[{"md5": ' + b"1" * 4000 + b', "relpath": "a"}]',
}


@pytest.mark.parametrize("data", LISTINGS.values(), ids=LISTINGS)
def test_a_listing_that_is_none(registry, data):
    add_folder(registry, data, nfiles=2 if len(data) < 5000 else 200)

    error = failure(registry.root, "c/folder")

    assert isinstance(error, InvalidFileError)
    assert "the listing of c/folder" in error.message
    assert not registry.root.joinpath("data/c/folder").exists()


def test_a_hostile_listing_hurts_no_other_dataset(registry):
    add_folder(registry, [row("../evil")])

    check_the_rest_comes(registry, "c/folder")


def test_a_hostile_listing_that_lies_in_the_cache_already(registry):
    data = add_folder(registry, [row("../evil")])
    md5 = hashlib.md5(data).hexdigest()
    path = registry.root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / f"{md5[2:]}.dir"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    path.chmod(0o444)

    for offline in (True, False):
        assert "would leave" in failure(registry.root, "c/folder", offline=offline).message


@pytest.mark.parametrize("path", ["../evil", "/evil", ".git/config", "a\\evil", "evil\x1b"])
def test_a_manifest_is_trusted_no_more_than_a_listing(registry, path):
    add_folder(registry, [row(path)])
    sha256 = hashlib.sha256(EVIL).hexdigest()
    text = f'size,md5,sha256,path\n5,{MD5},{sha256},"{path}"\n'
    registry.write("data/c/folder.manifest.csv", text)
    registry.commit("Add a manifest")

    error = failure(registry.root, "c/folder")

    assert isinstance(error, InvalidFileError)
    assert "c/folder.manifest.csv, line" in error.message or "folder.manifest.csv" in error.message


def test_a_manifest_cannot_give_another_content_than_the_pointer(registry):
    add_folder(registry, [row("a")])
    other = _store(registry, b"other")
    text = f"size,md5,sha256,path\n5,{other},{hashlib.sha256(b'other').hexdigest()},a\n"
    registry.write("data/c/folder.manifest.csv", text)
    registry.commit("Add a manifest")

    pull(registry.root, "c/folder")

    assert registry.root.joinpath("data/c/folder/a").read_bytes() == EVIL


def test_a_million_entries_where_two_are_declared_are_not_even_read(tmp_path, registry):
    with FaultServer(registry.objects) as server:
        registry.remote_url(server.url)
        add_folder(registry, b"[" + b'{"md5":1,"relpath":1},' * 3_000_000 + b"0]", nfiles=2)
        start = time.monotonic()

        error = failure(registry.root, "c/folder")

        assert isinstance(error, IntegrityError | InvalidFileError)
        assert "c/folder" in error.message
        assert time.monotonic() - start < 10
        assert server.bytes_sent < 20_000_000  # of 66,000,000: what was on its way as we hung up


@pytest.mark.slow
def test_a_million_honest_entries_take_a_minute_and_a_gigabyte_at_most(tmp_path, registry):
    rows = [
        {"md5": f"{n:032x}", "relpath": f"sub-{n // 1000:04}/ses-1/file-{n:07}.nii.gz"}
        for n in range(1_000_000)
    ]
    add_folder(registry, rows)

    done = run_measured(registry.root, "pull", "c/folder", "--dry-run")

    assert done.status == 10, done.errors
    assert "1,000,000 files would be put in place" in done.errors
    assert done.seconds < 60
    assert done.peak < 1 << 30


class Measured(NamedTuple):
    """How the program ended, its most memory in bytes, and the time that it computed."""

    status: int
    errors: str
    peak: int
    seconds: float


# Not `ru_maxrss` on Linux: it counts what the tests had when they started the program.
MEASURE = """
import resource, sys, neurogister.cli

sys.argv = ["neurogister", *sys.argv[1:]]
try:
    neurogister.cli.main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    if sys.platform == "linux":
        with open("/proc/self/status") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024
    print(peak, used.ru_utime + used.ru_stime)
"""


def run_measured(cwd: Path, *arguments: str) -> Measured:
    """Run the program, and measure what it took."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *arguments],
        cwd=cwd, capture_output=True, encoding="utf-8", check=False, timeout=250,
    )  # fmt: skip
    peak, seconds = done.stdout.split()[-2:]
    return Measured(done.returncode, done.stderr, int(peak), float(seconds))


# Pointers.

FULL = f"outs:\n- md5: {MD5}\n  size: 5\n  hash: md5\n"
POINTERS = {
    "path climbs": FULL + "  path: ../../../outside/evil\n",
    "path is absolute": FULL + "  path: /tmp/evil\n",
    "path is in a folder": FULL + "  path: sub/bad.bin\n",
    "path is another one": FULL + "  path: evil.bin\n",
    "path is .git": FULL + "  path: .git\n",
    "path is .dvc": FULL + "  path: .dvc\n",
    "path is a URL": FULL + "  path: file:///tmp/evil\n",
    "path is a remote": FULL + "  path: remote://storage/evil\n",
    "path with backslashes": FULL + "  path: '..\\..\\evil'\n",
    "path with a drive": FULL + "  path: 'C:bad.bin'\n",
    "path with a line": FULL + '  path: "bad.bin\\nevil"\n',
    "path with ESC": FULL + '  path: "bad\\x1b[31m.bin"\n',
    "path with bidi": FULL + '  path: "bad\\u202enib"\n',
    "path with NUL": FULL + '  path: "bad.bin\\0"\n',
    "path is a list": FULL + "  path: [bad.bin]\n",
    "path is empty": FULL + "  path: ''\n",
    "no path": FULL,
    "wdir": f"wdir: ../../..\n{FULL}  path: bad.bin\n",
    "absolute wdir": f"wdir: /tmp\n{FULL}  path: bad.bin\n",
    "cmd": f"cmd: touch CANARY\n{FULL}  path: bad.bin\n",
    "files": FULL + f"  path: bad.bin\n  files:\n  - relpath: ../../evil\n    md5: {MD5}\n",
    "cloud": FULL + "  path: bad.bin\n  cloud:\n    storage:\n      etag: x\n",
    "md5 is a path": "outs:\n- md5: ../../../../outside/secret\n  path: bad.bin\n  hash: md5\n",
    "md5 is absolute": "outs:\n- md5: /etc/passwd\n  path: bad.bin\n  hash: md5\n",
    "md5 is a folder's path": "outs:\n- md5: ../../x.dir\n  path: bad.bin\n  hash: md5\n",
    "md5 is short": f"outs:\n- md5: {MD5[:-1]}\n  path: bad.bin\n  hash: md5\n",
    "md5 is long": f"outs:\n- md5: {MD5}00\n  path: bad.bin\n  hash: md5\n",
    "md5 in upper case": f"outs:\n- md5: {MD5.upper()}\n  path: bad.bin\n  hash: md5\n",
    "md5 is not hexadecimal": f"outs:\n- md5: {'g' * 32}\n  path: bad.bin\n  hash: md5\n",
    "md5 with a line": f'outs:\n- md5: "{MD5}\\n"\n  path: bad.bin\n  hash: md5\n',
    "md5 is a number": f"outs:\n- md5: {'1' * 32}\n  path: bad.bin\n  hash: md5\n",
    "md5 is 1e9": f"outs:\n- md5: 1.0e+9{'0' * 26}\n  path: bad.bin\n  hash: md5\n",
    "md5 twice .dir": f"outs:\n- md5: {MD5}.dir.dir\n  path: bad.bin\n  hash: md5\n",
    "no md5": "outs:\n- path: bad.bin\n  hash: md5\n",
    "another hash": f"outs:\n- md5: {MD5}\n  path: bad.bin\n  hash: sha256\n",
    "negative size": f"outs:\n- md5: {MD5}\n  path: bad.bin\n  hash: md5\n  size: -5\n",
    "size is text": f"outs:\n- md5: {MD5}\n  path: bad.bin\n  hash: md5\n  size: '5'\n",
    "size is true": f"outs:\n- md5: {MD5}\n  path: bad.bin\n  hash: md5\n  size: true\n",
    "size is huge": f"outs:\n- md5: {MD5}\n  path: bad.bin\n  hash: md5\n  size: {10**400}\n",
    "nfiles is negative": f"outs:\n- md5: {MD5}.dir\n  path: bad.bin\n  nfiles: -1\n",
    "two outs": f"{FULL}  path: bad.bin\n- md5: {MD5}\n  path: evil\n",
    "no outs": "outs: []\n",
    "outs is a mapping": f"outs:\n  md5: {MD5}\n  path: bad.bin\n",
    "not a mapping": "- a\n- b\n",
    "text": "just text\n",
    "empty": "",
    # YAML
    "alias bomb": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n" + FULL + "  path: bad.bin\n",
    "anchor": FULL.replace("md5: ", "md5: &x ", 1) + "  path: bad.bin\n",
    "merge key": "x: {a: 1}\n<<: {b: 2}\n" + FULL + "  path: bad.bin\n",
    "python": "x: !!python/object/apply:os.system ['touch CANARY']\n" + FULL + "  path: bad.bin\n",
    "python name": "x: !!python/name:os.system\n" + FULL + "  path: bad.bin\n",
    "tag": FULL + "  path: !!str bad.bin\n",
    "duplicate key": FULL + "  path: bad.bin\n  path: evil\n",
    "two documents": FULL + "  path: bad.bin\n---\n" + FULL + "  path: evil\n",
    "directive": "%YAML 1.1\n---\n" + FULL + "  path: bad.bin\n",
    "20,000 levels": "[" * 20_000 + "]" * 20_000,
    "20,000 levels of blocks": "".join(f"{' ' * n}a:\n" for n in range(300)),
    "200,000 keys": "".join(f"k{n}: 1\n" for n in range(200_000)),
    "a comment of 30 MB": "# " + "x" * 30_000_000 + "\n" + FULL + "  path: bad.bin\n",
    "a tab": FULL + "\tpath: bad.bin\n",
    "NUL": FULL + "  path: bad.bin\n\0",
    "a BOM": "\ufeff" + FULL + "  path: bad.bin\n",
    "C1 controls": FULL + "  path: bad.bin\n  desc: \x85\x9b\n",
}


@pytest.mark.parametrize("text", POINTERS.values(), ids=POINTERS)
def test_a_hostile_pointer_is_named_and_the_rest_comes(registry, canary, text):
    registry.write("data/c/bad.bin.dvc", text.replace("CANARY", str(canary)))
    registry.commit("Add a pointer")
    start = time.monotonic()

    error = failure(registry.root, "c/bad.bin")

    assert isinstance(error, InvalidFileError)
    assert "data/c/bad.bin.dvc" in error.message
    assert error.message.isprintable()
    assert time.monotonic() - start < 10
    check_the_rest_comes(registry, "data/c/bad.bin.dvc")
    with neurogister.open(registry.root) as opened:
        assert {item.name: item.status for item in opened.list()}["c/good.txt"] == "active"
    assert not registry.root.joinpath("data/c/bad.bin").exists()


@pytest.mark.parametrize("text", ["alias bomb", "python", "20,000 levels", "a comment of 30 MB"])
@pytest.mark.parametrize("uncommitted", [False, True])
def test_the_program_says_it_in_one_sentence(registry, canary, text, uncommitted):
    registry.write("data/c/bad.bin.dvc", POINTERS[text].replace("CANARY", str(canary)))
    if not uncommitted:
        registry.commit("Add a pointer")

    done = run_measured(registry.root, "pull", "c/bad.bin")

    assert done.status == 4
    assert done.errors.startswith("error: data/c/bad.bin.dvc")
    assert "Traceback" not in done.errors
    assert done.peak < 300 << 20


@pytest.mark.parametrize(
    "deps",
    [
        "- path: OUTSIDE/secret\n  md5: {}\n",
        "- url: http://127.0.0.1:9/evil\n  path: http://127.0.0.1:9/evil\n",
        "- path: x\n  repo:\n    url: 'ext::sh -c touch% CANARY'\n    rev_lock: abc\n",
        "- path: x\n  repo:\n    url: '--upload-pack=touch CANARY'\n    rev_lock: abc\n",
        "- path: x\n  repo:\n    url: OUTSIDE\n    rev_lock: abc\n",
    ],
    ids=["a file", "a URL", "ext::", "--upload-pack", "a repository"],
)
def test_where_an_import_came_from_is_never_asked(registry, outside, canary, deps):
    md5 = hashlib.md5(SECRET).hexdigest()
    text = f"frozen: true\ndeps:\n{deps}outs:\n- md5: {md5}\n  hash: md5\n  path: bad.bin\n"
    text = text.replace("OUTSIDE", str(outside)).replace("CANARY", str(canary)).format(md5)
    registry.write("data/c/bad.bin.dvc", text)
    registry.commit("Add an import")

    error = failure(registry.root, "c/bad.bin")

    assert isinstance(error, NotFoundError)
    assert "c/bad.bin" in error.message
    assert not registry.root.joinpath("data/c/bad.bin").exists()


@pytest.mark.parametrize(
    "folder", ["a\nb", "a\x1b[31m", "C:", "aux", "-rf", "a:b", "x\\y", "a\u202eb", "d.", " d"],
    ids=ascii,
)  # fmt: skip
def test_a_folder_of_the_registry_with_a_name_that_is_none_is_not_made(tmp_path, registry, folder):
    text = FULL + "  path: bad.bin\n"
    blob = registry.git("hash-object", "-w", "--stdin", stdin=text.encode()).strip()
    path = f"data/{folder}/bad.bin.dvc"
    registry.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    registry.git("commit", "--quiet", "-m", "Add a folder")
    url = f"file://{registry.root}"

    error = failure(url, into=tmp_path / "out")

    assert isinstance(error, RefusedError)
    assert error.message.isprintable()
    assert not tmp_path.joinpath("out").exists()


def test_two_pointers_for_one_place(registry):
    add_folder(registry, [row("inner")])
    registry.add_file("c/folder/inner", b"other")
    registry.commit("Add a pointer to a file in the folder")

    error = failure(registry.root)

    assert isinstance(error, RefusedError)
    assert "c/folder:inner and c/folder/inner would both go to" in error.message
    assert not registry.root.joinpath("data/c/folder/inner").exists()
    assert not registry.root.joinpath("data/c/good.txt").exists()


def test_a_dataset_and_a_package_of_one_name_do_not_mix(tmp_path, registry):
    registry.add_file("v/p", b"dataset")
    registry.add_package("v/p", {"c/good.txt": "good.txt"})
    registry.commit("Add a package")

    error = failure(registry.root, into=tmp_path / "out")

    assert isinstance(error, RefusedError)


@pytest.mark.parametrize(
    "place", ["README.md", "data/c/collection.yaml", ".dvcignore", "conftest.py"]
)
def test_a_pointer_in_the_place_of_a_tracked_file(registry, place):
    registry.write(place, "mine\n")
    name = place.rpartition("/")[2]
    registry.write(f"{place}.dvc", FULL + f"  path: {name}\n")
    registry.commit("Add a pointer for a file that git has")
    before = registry.root.joinpath(place).read_bytes()

    with pytest.raises((RefusedError, NotFoundError)) as caught:
        pull(registry.root, f"{place}.dvc")

    assert name in caught.value.message
    assert registry.root.joinpath(place).read_bytes() == before
    assert registry.git("status", "--porcelain") == ""


def test_a_pointer_that_claims_a_whole_collection(registry):
    add_folder(registry, [row("collection.yaml"), row("good.txt.dvc")], name="c")
    before = contents(registry.root / "data")

    error = failure(registry.root, "data/c.dvc")

    assert isinstance(error, RefusedError)
    assert "collection.yaml" in error.message
    assert contents(registry.root / "data") == before


# Links that the registry brings.


def link(registry, path: str, target: Path) -> None:
    """Commit a symbolic link, and check it out."""
    place = registry.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)
    registry.git("add", "--force", path)
    registry.git("commit", "--quiet", "-m", "Add a link")


@pytest.mark.parametrize("path", ["data/linked", "data/c/linked", "data/c/linked/deeper"])
def test_a_folder_of_data_is_a_link(registry, outside, path):
    registry.add_file(f"{path.removeprefix('data/')}/sub/bad.bin", EVIL)
    registry.commit("Add a file")
    registry.git("rm", "-r", "--quiet", "--cached", path)
    shutil.rmtree(registry.root / path)
    link(registry, path, outside / "folder")
    name = f"{path}/sub/bad.bin.dvc"
    (outside / "folder" / "sub").mkdir()
    (outside / "folder" / "sub" / "bad.bin.dvc").write_text(FULL + "  path: bad.bin\n")
    before = contents(outside)

    with pytest.raises((NotFoundError, RefusedError)):
        pull(registry.root, name)

    assert contents(outside) == before
    (outside / "folder" / "sub" / "bad.bin.dvc").unlink()
    (outside / "folder" / "sub").rmdir()


@pytest.mark.parametrize("target", ["secret", "folder", "folder/new"])
def test_the_place_of_data_is_a_link(registry, outside, target):
    registry.write("data/c/bad.bin.dvc", FULL + "  path: bad.bin\n")
    link(registry, "data/c/bad.bin", outside / target)
    registry.commit("Add a pointer")

    error = failure(registry.root, "c/bad.bin")

    assert isinstance(error, RefusedError)
    assert "bad.bin" in error.message


@pytest.mark.parametrize("name", ["folder", "folder/sub"])
def test_the_place_of_a_folder_is_a_link(registry, outside, name):
    add_folder(registry, [row("sub/a"), row("sub/file")])
    link(registry, f"data/c/{name}", outside / "folder")

    error = failure(registry.root, "c/folder")

    assert isinstance(error, RefusedError)
    assert "is a symbolic link" in error.message


def test_the_place_of_an_empty_folder_is_a_link(registry, outside):
    add_folder(registry, [])
    link(registry, "data/c/folder", outside / "new")

    error = failure(registry.root, "c/folder")

    assert isinstance(error, RefusedError)
    assert "is a symbolic link" in error.message


@pytest.mark.parametrize("force", [False, True])
def test_data_itself_is_a_link_in_the_work_tree(registry, outside, force):
    data = registry.root / "data"
    moved = outside.parent / "out"
    data.rename(moved)
    data.symlink_to(moved)

    with pytest.raises((NotFoundError, RefusedError)):
        pull(registry.root, "c/good.txt", force=force)
    pull(registry.root, force=force)

    assert not moved.joinpath("c/good.txt").exists()


@pytest.mark.parametrize("path", ["data/c/bad.bin.dvc", "data/c/bad.bin.manifest.csv"])
def test_a_pointer_or_manifest_is_a_link(registry, outside, path):
    registry.write("data/c/bad.bin.dvc", FULL + "  path: bad.bin\n")
    registry.root.joinpath(path).unlink(missing_ok=True)
    link(registry, path, outside / "secret")

    if path.endswith(".dvc"):
        error = failure(registry.root, "c/bad.bin")
        assert "data/c/bad.bin.dvc is a symbolic link" in error.message.replace(":", "")
        assert SECRET.decode().strip() not in error.message
    else:
        pull(registry.root, "c/bad.bin")  # of a file, a manifest is not asked


@pytest.mark.parametrize(
    "path",
    [
        ".dvc/cache", ".dvc/cache/files", ".dvc/cache/files/md5", f".dvc/cache/files/md5/{MD5[:2]}",
        ".dvc/cache/neurogister", ".dvc/cache/neurogister/tmp", ".dvc/cache/neurogister/partial",
        ".dvc/cache/neurogister/locks", ".dvc/tmp",
    ],
)  # fmt: skip
def test_a_folder_of_the_cache_is_a_link(registry, outside, path):
    registry.write("data/c/bad.bin.dvc", FULL + "  path: bad.bin\n")
    registry.commit("Add a pointer")
    link(registry, path, outside / "folder")

    error = failure(registry.root, "c/bad.bin")

    assert isinstance(error, RefusedError)
    assert f"{path} is a symbolic link" in error.message
    assert not registry.root.joinpath("data/c/bad.bin").exists()


@pytest.mark.parametrize("path", [".dvc/tmp/lock", ".dvc/cache/neurogister/locks/00.lock"])
def test_a_lock_is_a_link_to_a_file_that_would_be_emptied(registry, outside, path):
    link(registry, path, outside / "secret")

    error = failure(registry.root, "c/good.txt")

    assert isinstance(error, RefusedError)
    assert f"{path} is a symbolic link" in error.message


def test_the_folder_of_dvc_is_a_link(registry, outside):
    registry.git("rm", "-r", "--quiet", ".dvc")
    shutil.rmtree(registry.root / ".dvc", ignore_errors=True)
    link(registry, ".dvc", outside)

    with pytest.raises(NeurogisterError):
        pull(registry.root)

    assert not registry.root.joinpath("data/c/good.txt").exists()


@pytest.mark.parametrize("path", [".dvc/tmp", ".dvc/tmp/lock"])
def test_something_else_is_in_the_place_of_the_lock(registry, path):
    place = registry.root / path
    if path.endswith("lock"):
        place.mkdir(parents=True)
    else:
        place.write_text("a file\n")

    with pytest.raises(NeurogisterError) as caught:
        pull(registry.root, "c/good.txt")

    assert path in caught.value.message


# Objects in a folder that is a remote.


@pytest.fixture
def bad_object(registry, outside):
    """The place of an object whose digest is that of the user's secret."""
    md5 = hashlib.md5(SECRET).hexdigest()
    text = f"outs:\n- md5: {md5}\n  size: {len(SECRET)}\n  hash: md5\n  path: bad.bin\n"
    registry.write("data/c/bad.bin.dvc", text)
    registry.commit("Add a pointer")
    path = registry.objects / "files" / "md5" / md5[:2] / md5[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def make_fifo(path, outside):
    os.mkfifo(path)


def make_link(path, outside):
    path.symlink_to(outside / "secret")


def make_folder(path, outside):
    path.mkdir()


def make_linked_folder(path, outside):
    path.parent.rmdir()
    (outside / "folder").joinpath(path.name).write_bytes(SECRET)
    path.parent.symlink_to(outside / "folder")


def make_device(path, outside):
    path.symlink_to("/dev/zero")


def make_sparse_giant(path, outside):
    with path.open("wb") as stream:
        stream.truncate(1 << 40)


@pytest.mark.parametrize(
    "make", [make_fifo, make_link, make_folder, make_linked_folder, make_device, make_sparse_giant]
)
@pytest.mark.timeout(30)
def test_an_object_that_is_no_file(registry, bad_object, outside, make):
    make(bad_object, outside)
    try:
        error = failure(registry.root, "c/bad.bin")
    finally:
        (outside / "folder" / bad_object.name).unlink(missing_ok=True)

    assert isinstance(error, IntegrityError)
    assert "c/bad.bin" in error.message
    assert not registry.root.joinpath("data/c/bad.bin").exists()
    assert not list(registry.root.joinpath(".dvc/cache/files").rglob(bad_object.name))


@pytest.mark.timeout(30)
def test_an_object_that_is_a_socket(registry, bad_object, monkeypatch):
    monkeypatch.chdir(bad_object.parent)  # their paths must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(bad_object.name)

        assert isinstance(failure(registry.root, "c/bad.bin"), IntegrityError)


@pytest.mark.parametrize("make", [make_fifo, make_link, make_folder, make_device])
@pytest.mark.timeout(30)
def test_an_object_in_the_cache_that_is_no_file_counts_as_none(registry, bad_object, outside, make):
    bad_object.write_bytes(SECRET)
    cached = registry.root / ".dvc/cache" / bad_object.relative_to(registry.objects)
    cached.parent.mkdir(parents=True)
    make(cached, outside)

    pull(registry.root, "c/bad.bin")

    assert registry.root.joinpath("data/c/bad.bin").read_bytes() == SECRET
    assert cached.is_file()
    assert not cached.is_symlink()


@pytest.mark.parametrize("place", ["data/c/folder", "data/c/folder/a"])
def test_a_fifo_where_data_should_go(registry, place):
    add_folder(registry, [row("a")])
    registry.root.joinpath(place).parent.mkdir(exist_ok=True)
    os.mkfifo(registry.root / place)

    assert isinstance(failure(registry.root, "c/folder"), RefusedError)


# Digests.

# Marc Stevens, 2012: two blocks of one MD5.
TWIN = bytes.fromhex(
    "4dc968ff0ee35c209572d4777b721587d36fa7b21bdc56b74a3dc0783e7b9518"
    "afbfa200a8284bf36e8e4b55b35f427593d849676da0d1555d8360fb5f07fea2"
)
EVIL_TWIN = bytes.fromhex(
    "4dc968ff0ee35c209572d4777b721587d36fa7b21bdc56b74a3dc0783e7b9518"
    "afbfa202a8284bf36e8e4b55b35f427593d849676da0d1d55d8360fb5f07fea2"
)


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("where", ["remote", "cache", "work tree"])
def test_content_of_the_same_md5_is_told_apart_by_its_sha256(registry, kind, where):
    if kind == "file":
        digests = registry.add_file("c/twin", TWIN)
        place = registry.root / "data/c/twin"
    else:
        digests = registry.add_folder("c/twin", {"a": TWIN}).files["a"]
        place = registry.root / "data/c/twin/a"
    registry.commit("Add a file")
    places = {
        "remote": registry.object_path(digests),
        "cache": registry.root / ".dvc" / "cache" / digests.key,
        "work tree": place,
    }
    places[where].parent.mkdir(parents=True, exist_ok=True)
    places[where].write_bytes(EVIL_TWIN)
    assert hashlib.md5(EVIL_TWIN).hexdigest() == digests.md5

    if where == "remote":
        error = failure(registry.root, "c/twin")
        assert isinstance(error, IntegrityError)
        assert "c/twin" in error.message
        assert not place.exists()
    else:
        pull(registry.root, "c/twin", force=True)
        assert place.read_bytes() == TWIN


def test_a_size_that_is_wrong(registry):
    registry.write("data/c/bad.bin.dvc", FULL.replace("size: 5", "size: 4") + "  path: bad.bin\n")
    registry.commit("Add a pointer")

    error = failure(registry.root, "c/bad.bin")

    assert isinstance(error, IntegrityError)
    assert "c/bad.bin" in error.message


def test_a_pointer_that_lies_about_a_size_takes_no_good_object_out_of_the_cache(registry):
    """Else it would break the links of whoever has that object in the work tree."""
    registry.set_config({"cache": {"type": "symlink"}})
    md5 = registry.find("c/good.txt").digests.md5
    text = f"outs:\n- md5: {md5}\n  size: 1\n  hash: md5\n  path: bad.bin\n"
    registry.write("data/c/bad.bin.dvc", text)
    registry.commit("Add a pointer")
    pull(registry.root, "c/good.txt")
    shutil.rmtree(registry.root.parent / "home")  # what we have verified is forgotten
    registry.object_path(registry.find("c/good.txt").digests).unlink()

    error = failure(registry.root, "c/bad.bin")

    assert "c/bad.bin" in error.message
    assert registry.root.joinpath("data/c/good.txt").read_bytes() == GOOD


def test_a_pointer_that_is_a_submodule(registry):
    head = registry.git("rev-parse", "HEAD").strip()
    registry.git("update-index", "--add", "--cacheinfo", f"160000,{head},data/c/bad.bin.dvc")
    registry.git("commit", "--quiet", "-m", "Add a submodule")

    error = failure(registry.root, "c/bad.bin", rev="HEAD")

    assert isinstance(error, InvalidFileError)
    assert "data/c/bad.bin.dvc" in error.message


def test_a_remote_in_the_registry_whose_folders_are_links(registry, outside):
    md5 = hashlib.md5(SECRET).hexdigest()
    text = f"outs:\n- md5: {md5}\n  hash: md5\n  path: bad.bin\n"
    registry.write("data/c/bad.bin.dvc", text)
    registry.remote_url("../remote")
    registry.commit("Keep the objects in the registry")
    (outside / "folder" / md5[2:]).write_bytes(SECRET)
    link(registry, f"remote/files/md5/{md5[:2]}", outside / "folder")
    try:
        here = failure(registry.root, "c/bad.bin")
        there = failure(f"file://{registry.root}", "c/bad.bin", into=outside.parent / "out")
    finally:
        (outside / "folder" / md5[2:]).unlink()

    assert "c/bad.bin" in here.message
    assert "c/bad.bin" in there.message
    assert not outside.parent.joinpath("out").exists()


# The configuration.

SECTIONS = {
    "bearer_token_command": ('remote "storage"', "bearer_token_command", "touch CANARY"),
    "credentialpath": ('remote "storage"', "credentialpath", "OUTSIDE/secret"),
    "configpath": ('remote "storage"', "configpath", "OUTSIDE/secret"),
    "keyfile": ('remote "storage"', "keyfile", "OUTSIDE/secret"),
    "cert_path": ('remote "storage"', "cert_path", "OUTSIDE/secret"),
    "key_path": ('remote "storage"', "key_path", "OUTSIDE/secret"),
    "kerb_ticket": ('remote "storage"', "kerb_ticket", "OUTSIDE/secret"),
    "gdrive file": ('remote "storage"', "gdrive_user_credentials_file", "OUTSIDE/secret"),
    "gdrive account": ('remote "storage"', "gdrive_service_account_json_file_path", "OUTSIDE/x"),
    "ssl_verify off": ('remote "storage"', "ssl_verify", "false"),
    "ssl_verify by a file": ('remote "storage"', "ssl_verify", "OUTSIDE/secret"),
    "proxy_to": ('remote "storage"', "proxy_to", "evil.example"),
    "data_proxy_target": ('remote "storage"', "data_proxy_target", "evil.example"),
    "of another remote": ('remote "other"', "bearer_token_command", "touch CANARY"),
    "in capitals": ('remote "storage"', "BEARER_TOKEN_COMMAND", "touch CANARY"),
    "cache.dir": ("cache", "dir", "OUTSIDE"),
    "cache.dir above": ("cache", "dir", "../../outside"),
    "cache.dir at home": ("cache", "dir", "~/evil"),
    "cache.dir in git": ("cache", "dir", "../.git/objects"),
    "cache.dir is a URL": ("cache", "dir", "file:///tmp/evil"),
    "cache.local": ("cache", "local", "storage"),
    "core.site_cache_dir": ("core", "site_cache_dir", "OUTSIDE"),
    "hydra.plugins_path": ("hydra", "plugins_path", "OUTSIDE"),
}


@pytest.mark.parametrize(("section", "key", "value"), SECTIONS.values(), ids=SECTIONS)
def test_a_committed_setting_that_is_not_a_strangers_to_make(
    registry, outside, canary, section, key, value
):
    config = registry.root / ".dvc" / "config"
    value = value.replace("OUTSIDE", str(outside)).replace("CANARY", str(canary))
    header = f"['{section}']" if '"' in section else f"[{section}]"
    config.write_text(_with_setting(config.read_text(), header, f"    {key} = {value}"))
    registry.commit("Change the configuration")

    error = failure(registry.root, "c/good.txt")

    assert isinstance(error, RefusedError)
    assert exit_status(error) == 7
    assert ".dvc/config, line" in error.message
    assert key.lower() in error.message
    assert "--local" in (error.hint or "")
    assert not registry.root.joinpath("data/c/good.txt").exists()
    with neurogister.open(registry.root) as opened:
        assert [item.name for item in opened.list()] == ["c/good.txt"]
        assert opened.info("c/good.txt")[0].selection.size == len(GOOD)


def _with_setting(config: str, header: str, line: str) -> str:
    """Add a line to a section, as DVC refuses a section that comes twice."""
    lines = config.splitlines()
    if header not in lines:
        lines.append(header)
    lines.insert(lines.index(header) + 1, line)
    return "\n".join([*lines, ""])


def test_the_same_setting_of_the_user_is_used(registry):
    elsewhere = registry.root.parent / "out"
    registry.write(".dvc/config.local", f"[cache]\n    dir = {elsewhere}\n")

    pull(registry.root, "c/good.txt")

    assert any(path.read_bytes() == GOOD for path in elsewhere.rglob("*") if path.is_file())


def test_a_committed_config_local_is_not_the_users(registry, canary):
    text = (
        "['remote \"storage\"']\n    url = http://127.0.0.1:9/\n    auth = custom\n"
        f"    bearer_token_command = touch {canary}\n"
    )
    registry.write(".dvc/config.local", text)
    registry.git("add", "--force", ".dvc/config.local")
    registry.git("commit", "--quiet", "-m", "Add my settings")

    error = failure(registry.root, "c/good.txt")

    assert isinstance(error, RefusedError)
    assert ".dvc/config.local is committed" in error.message


def test_a_configuration_that_is_none(registry):
    registry.write(".dvc/config", "[core\nremote\n")
    registry.commit("Break the configuration")

    error = failure(registry.root, "c/good.txt")

    assert isinstance(error, InvalidFileError)
    assert ".dvc/config" in error.message


def test_a_pipeline_is_not_run(registry, canary):
    text = f"stages:\n  evil:\n    cmd: touch {canary}\n    outs: [evil]\n"
    registry.write("dvc.yaml", text)
    registry.write("data/c/dvc.yaml", text)
    registry.commit("Add a pipeline")

    pull(registry.root)

    assert registry.root.joinpath("data/c/good.txt").read_bytes() == GOOD


# Files of ours.


@pytest.mark.parametrize(
    "path", ["registry.yaml", "data/c/collection.yaml", "store/v/vendor.yaml", "store/v/p.yaml"]
)
@pytest.mark.parametrize("text", ["alias bomb", "python", "20,000 levels", "a comment of 30 MB"])
def test_yaml_of_ours_is_read_no_less_strictly(registry, canary, path, text):
    registry.write(path, POINTERS[text].replace("CANARY", str(canary)))
    registry.commit("Change a file")
    start = time.monotonic()

    with neurogister.open(registry.root) as opened:
        names = [item.name for item in opened.list()]
        packages = {item.name: item.error for item in opened.packages()}
    pull(registry.root, "c/good.txt")

    assert names == ["c/good.txt"]
    assert all(error is not None and path in error for error in packages.values())
    assert registry.root.joinpath("data/c/good.txt").read_bytes() == GOOD
    assert time.monotonic() - start < 20


def test_the_memory_of_this_process_is_no_cause_for_concern():
    """None of the attacks above has filled the memory of the process that ran them."""
    unit = 1 if sys.platform == "darwin" else 1024
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit < 2 << 30
