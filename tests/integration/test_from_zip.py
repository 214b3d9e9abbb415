"""A legacy zip archive becomes a package: all of it or nothing, and the same bytes come back."""

import hashlib
import io
import stat
import urllib.request
import zipfile
from pathlib import Path

import pytest
from tests.depositing import Lab
from tests.factories import dwi_files
from tests.integration.test_deposit_crashes import check
from tests.interop.checkouts import Checkout, check_content
from tests.servers import FAST, http_server
from tests.zips import zip_bytes

import neurogister
from neurogister.cli.errors import exit_status
from neurogister.errors import (
    IntegrityError,
    InvalidFileError,
    NeurogisterError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from neurogister.model.package import Member
from neurogister.registry.schemas import check_files

FILES = {**dwi_files(), "more/deep/x.trk": b"tracks", "README [1].txt": b"read me"}
ROOTED = zip_bytes({"processing/": b"", **{f"processing/{k}": v for k, v in FILES.items()}})
FLAT = zip_bytes(FILES)
DAMAGED = FLAT[:60] + bytes([FLAT[60] ^ 1]) + FLAT[61:]


@pytest.fixture
def lab(home, tmp_path):
    """A registry in a folder that can be copied: its remote and the inbox are in it, too."""
    folder = tmp_path / "template"
    folder.mkdir()
    lab = Lab(folder, objects=folder / "remote", url="../../remote")
    lab.git("config", "core.fsync", "none")
    lab.registry.add_vendor("scil")
    lab.registry.commit("Add a vendor")
    return lab


def create(lab, name="processing.zip", data=ROOTED, *, package="scil/processing", **options):
    file = lab.file(name, data)
    options = {"to": "c", "purpose": "Tests"} | options
    with neurogister.open(lab.root) as opened:
        return opened.create_package_from_zip(package, file, **options)


def release(lab, version="1.0.0", package="scil/processing"):
    with neurogister.open(lab.root) as opened:
        return opened.release(package, version, commit=True)


def pulled(root, into: Path, name="scil/processing", **options) -> dict[str, bytes]:
    with neurogister.open(root) as opened:
        opened.pull(name, into=into, check=True, **options)
    return {
        path.relative_to(into).as_posix(): path.read_bytes()
        for path in sorted(into.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("data", [ROOTED, FLAT], ids=["with a root folder", "without"])
def test_files_and_archive_come_back(lab, tmp_path, data):
    made = create(lab, data=data, title="Processing", license="CC0-1.0", commit=True)

    assert lab.git("status", "--porcelain") == ""
    assert [each.name for each in made.deposited] == ["c/processing.zip", "c/processing"]
    assert {each.dataset for each in made.members} == {"processing"}
    assert lab.record("c/processing").derived_from == ("processing-zip@1",)
    released = release(lab)
    assert released.members == ("processing@1", "processing-zip@1")
    inside = {f"scil/processing/{name}": content for name, content in FILES.items()}
    assert pulled(lab.root, tmp_path / "a") == inside
    assert pulled(lab.root, tmp_path / "b", layout="zip") == {"processing.zip": data}
    one = pulled(lab.root, tmp_path / "c", "scil/processing:more/deep/x.trk")
    assert list(one.values()) == [b"tracks"]
    with neurogister.open(lab.root) as opened:
        assert opened.zip_archives("scil/*") == {"processing.zip": made.deposited[0].md5}


def test_what_is_written_meets_the_schemas(lab, run):
    create(lab, commit=True)
    release(lab)
    judged = run("validate", cwd=lab.root)
    assert judged.returncode == 0, judged.stdout
    files = {
        path.relative_to(lab.root).as_posix(): path.read_bytes()
        for folder in ("store/scil", "data/c")
        for path in (lab.root / folder).rglob("*")
        if path.suffix in (".yaml", ".dvc")
    }
    assert len(files) == 6
    assert check_files(files) == []


def test_an_old_version_delivers_its_own_archive(lab, tmp_path):
    create(lab, commit=True)
    release(lab)
    newer = {**FILES, "dwi.bval": b"0 2000\n"}
    lab.deposit(lab.file("new.zip", zip_bytes(newer)), new_version="processing-zip", commit=True)
    lab.deposit(lab.folder("unpacked", newer), new_version="processing", commit=True)
    with neurogister.open(lab.root) as opened:
        opened.release("scil/processing", "1.1.0", commit=True, push=False)
    old = pulled(lab.root, tmp_path / "old", "scil/processing@1.0.0", layout="zip")
    new = pulled(lab.root, tmp_path / "new", layout="zip")
    assert (old, new) == ({"processing.zip": ROOTED}, {"processing.zip": zip_bytes(newer)})


def test_a_release_with_another_archive_is_another_release(lab):
    create(lab, commit=True)
    release(lab)
    lab.deposit(lab.file("new.zip", FLAT), new_version="processing-zip", commit=True)
    with (
        neurogister.open(lab.root) as opened,
        lab.unchanged(),
        pytest.raises(RefusedError, match="with another zip archive"),
    ):
        opened.release("scil/processing", "1.0.0")


@pytest.mark.parametrize("name", ["processing", "processing-zip"])
def test_withdrawn_is_withdrawn_in_every_form(lab, tmp_path, name):
    create(lab, commit=True)
    release(lab)
    with neurogister.open(lab.root) as opened:
        opened.withdraw(name, "a face in it", commit=True)
        for options in ({}, {"layout": "zip"}, {"layout": "nf-neuro"}):
            with pytest.raises(RefusedError, match=f"its member {name} was withdrawn"):
                opened.pull("scil/processing", into=tmp_path / "out", check=True, **options)
        with pytest.raises(RefusedError, match="was withdrawn"):
            opened.zip_archives("scil/processing")
        with pytest.raises(NeurogisterError) as caught:
            opened.release("scil/processing", "1.1.0")
        assert exit_status(caught.value) == 7
    assert not (tmp_path / "out").exists()


def test_a_lockfile_knows_the_archive(lab, tmp_path, run, monkeypatch):
    create(lab, commit=True)
    release(lab)
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    with http_server(lab.registry.objects, options=FAST) as server:
        lab.registry.remote_url(server.url)
        lab.registry.commit("Use a server")
        assert run("lock", "add", "scil/processing", "-C", lab.root, cwd=project).returncode == 0
        assert run("lock", "check", cwd=project).returncode == 0
        lab.root.rename(tmp_path / "hidden")
        neurogister.pull_locked(layout="zip", into=tmp_path / "out", check=True)
    assert (tmp_path / "out/processing.zip").read_bytes() == ROOTED
    listed = run("export", "manifest", "--locked", "--json", cwd=project)
    assert '"of": "scil/processing@1.0.0"' in listed.stdout, listed.stderr


def test_the_tests_of_scilpy_get_it_from_a_lockfile(lab, tmp_path, run, monkeypatch):
    from neurogister.compat.scilpy import fetch_data, get_testing_files_dict

    create(lab, commit=True)
    release(lab)
    monkeypatch.setenv("SCILPY_HOME", str(tmp_path / "scilpy"))
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    with http_server(lab.registry.objects, options=FAST) as server:
        lab.registry.remote_url(server.url)
        lab.registry.commit("Use a server")
        assert run("lock", "add", "scil/processing", "-C", lab.root, cwd=project).returncode == 0
        lab.root.rename(tmp_path / "hidden")
        archives = get_testing_files_dict()
        assert neurogister.open_lockfile().zip_archives() == archives
        assert archives == {"processing.zip": _md5(ROOTED)}
        fetch_data(archives)
        url = f"{server.url}/files/md5/{_md5(ROOTED)[:2]}/{_md5(ROOTED)[2:]}"
        with urllib.request.urlopen(url) as answer:  # as nf-neuro asks
            assert answer.read() == ROOTED
    check_content(tmp_path / "scilpy/processing", FILES)


def test_an_archive_that_a_package_names_is_not_renamed(lab):
    create(lab, commit=True)
    file = lab.root / "store/scil/processing.yaml"
    file.write_text(
        file.read_text().replace("  dataset: processing-zip", "  dataset: c/processing.zip")
    )
    lab.git("commit", "--quiet", "--all", "--message=By name")
    with (
        neurogister.open(lab.root) as opened,
        lab.unchanged(),
        pytest.raises(RefusedError, match=r"scil/processing has c/processing\.zip"),
    ):
        opened.rename("processing-zip", "c/other.zip")
    assert release(lab).zip.dataset == "c/processing.zip@1"


def test_in_a_legacy_remote_the_archive_is_not_uploaded_again(lab):
    place = lab.registry.objects / "files/md5" / _md5(ROOTED)[:2] / _md5(ROOTED)[2:]
    place.parent.mkdir(parents=True)
    place.write_bytes(ROOTED)
    before = place.stat()
    made = create(lab, push=True)
    assert [each.stored for each in made.deposited] == ["there", "stored"]
    assert (place.stat().st_ino, place.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_plain_dvc_works_with_it(lab, tmp_path):
    create(lab, commit=True)
    release(lab)
    clone = tmp_path / "template/clone"
    lab.git("clone", "--quiet", str(lab.root), str(clone))
    checkout = Checkout(clone)
    done = checkout.dvc(
        ["pull", "store/scil/processing", "data/c/processing.zip"],
        ["status", "store/scil/processing.dvc", "data/c/processing.zip.dvc"],
        ["status", "--cloud", "store/scil/processing.dvc", "data/c/processing.dvc"],
    )
    status = [each.ok() for each in done][1]
    assert "up to date" in status
    check_content(clone / "store/scil/processing", FILES)
    assert (clone / "data/c/processing.zip").read_bytes() == ROOTED


def test_again_finds_nothing_to_do_also_after_a_release(lab):
    create(lab, commit=True)
    release(lab)
    with lab.unchanged():
        again = create(lab, commit=True)
    assert (again.changed, again.added) == (False, ())


def test_dry_run_tells_and_changes_nothing(lab):
    lab.file("processing.zip", ROOTED)
    with lab.unchanged():
        planned = create(lab, dry_run=True)
    assert [each.status for each in planned.deposited] == ["planned", "planned"]
    assert planned.changed
    assert not (lab.root / ".dvc/cache").exists() or not list(
        (lab.root / ".dvc/cache").rglob("unzip-*")
    )


def _link(name="x", target="../../etc/passwd") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (zip_bytes({"../x": b"x"}), InvalidFileError),
        (zip_bytes({"/etc/x": b"x"}), InvalidFileError),
        (zip_bytes({"a": b"1", "A": b"2"}), NeurogisterError),
        (zip_bytes({".git/config": b"x", "y": b"y"}), NeurogisterError),
        (_link(), InvalidFileError),
        (b"no zip at all", InvalidFileError),
        (ROOTED[:-10], InvalidFileError),
        (DAMAGED, IntegrityError),
        (zip_bytes({"only/": b""}), NeurogisterError),
    ],
)  # fmt: skip
def test_harmful_and_damaged_archives_change_nothing(lab, data, error):
    lab.file("processing.zip", data)
    with lab.unchanged(), pytest.raises(error) as caught:
        create(lab, data=data)
    assert caught.value.hint
    assert not list((lab.root / ".dvc").rglob("unzip-*"))


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"package": "nobody/processing"}, NotFoundError, "no vendor"),
        ({"package": "processing"}, NeurogisterError, "processing"),
        ({"to": "nowhere"}, NotFoundError, "no collection"),
        ({"purpose": " "}, UsageError, "needs a purpose"),
        ({"id": "a b"}, UsageError, "a b"),
        ({"name": "processing.tar"}, UsageError, "not called as a zip archive"),
        ({"id": "old"}, RefusedError, "the identifier old is"),
        ({"name": "x.zip", "data": zip_bytes({"f/old.bin": b"old", "f/b": b""})}, None, ""),
        ({"package": "scil/there"}, RefusedError, "there is a package"),
    ],
)
def test_what_cannot_be_is_told_and_changes_nothing(lab, options, error, said):
    lab.put("old.bin", b"old", id="old", commit=True)
    with neurogister.open(lab.root) as opened:
        opened.create_package("scil/there", ["old"], purpose="Tests", commit=True)
    lab.file(options.get("name", "processing.zip"), options.get("data", ROOTED))
    if error is None:  # a file that is a dataset of its own may be in an archive
        assert create(lab, **options).changed
        return
    with lab.unchanged(), pytest.raises(error, match=said):
        create(lab, **options)


def test_two_archives_with_the_same_files_need_a_word(lab):
    create(lab, commit=True)
    lab.file("other.zip", FLAT)
    with lab.unchanged(), pytest.raises(RefusedError, match="has the same content"):
        create(lab, "other.zip", FLAT, package="scil/other")
    create(lab, "other.zip", FLAT, package="scil/other", allow_duplicate=True)


def test_odd_names_of_archives_become_identifiers(lab):
    made = create(lab, "b0 (v1.2).zip", package="scil/b0")
    assert [each.id for each in made.deposited] == ["b0-v1-2-zip", "b0-v1-2"]
    assert [each.name for each in made.deposited] == ["c/b0 (v1.2).zip", "c/b0 (v1.2)"]
    assert Member("b0-v1-2", "README [1].txt", "README [1].txt") in made.members


def test_killed_before_any_write(lab):
    lab.file("processing.zip", zip_bytes({"processing/a": b"a", "processing/b/c": b"c"}))
    check(
        lab, "package", "create", "scil/processing", "--from-zip", "../inbox/processing.zip",
        "--to", "c", "--purpose", "Tests", "--commit", "--push",
    )  # fmt: skip


def test_many_at_once_make_it_once(lab, start):
    lab.file("processing.zip", ROOTED)
    arguments = (
        "package", "create", "scil/processing", "--from-zip", lab.inbox / "processing.zip",
        "--to", "c", "--purpose", "Tests", "--commit", "--push",
    )  # fmt: skip
    started = [start(*arguments, cwd=lab.root) for _ in range(4)]
    said = {process.communicate(timeout=60)[1]: process.returncode for process in started}
    assert set(said.values()) <= {0, 7}, said  # one was quicker: then it is all there
    assert 0 in said.values()
    assert start(*arguments, cwd=lab.root).wait(60) == 0
    assert lab.git("status", "--porcelain") == ""
    assert lab.git("log", "--format=%s", "-2").splitlines() == [
        "Create the package scil/processing from processing.zip", "Add a vendor"
    ]  # fmt: skip
    release(lab)


def test_a_file_that_changes_meanwhile_is_refused(lab, monkeypatch):
    from neurogister.actions import deposit as module

    file = lab.file("processing.zip", ROOTED)
    intake = module.Intake.take

    def take(self, paths):
        file.write_bytes(FLAT)  # after it was unpacked
        return intake(self, paths)

    monkeypatch.setattr(module.Intake, "take", take)
    with (
        neurogister.open(lab.root) as opened,
        pytest.raises(RefusedError, match="changed while it was read"),
    ):
        opened.create_package_from_zip("scil/processing", file, to="c", purpose="Tests")
    assert not (lab.root / "store/scil/processing.yaml").exists()
    assert not (lab.root / "data/c/processing.dvc").exists()


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
