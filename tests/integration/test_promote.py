"""Promotion brings to the main remote what the commit names, and nothing that only staging says."""

import hashlib
import json
import shutil
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from tests.factories import make_registry, random_bytes
from tests.faults import Always, Endless, FaultServer, First, Gzip, Redirect, Slow, Status

import neurogister
from neurogister.errors import (
    IntegrityError,
    InvalidFileError,
    NetworkError,
    NeurogisterError,
    NotFoundError,
    OfflineError,
    RefusedError,
    UsageError,
)

FOLDER = {"x.txt": b"x\n", "deep/y.bin": random_bytes(9_000_000, 3), "empty": b""}


class World:
    """A registry whose merged pointers name objects that wait in staging."""

    def __init__(self, folder):
        self.registry = make_registry(folder / "registry")
        self.root = self.registry.root
        self.main = self.registry.objects
        self.staging = folder / "staging"
        self.log = folder / "log.jsonl"

    def stage(self):
        """Take all that the main remote has to staging."""
        self.main.mkdir(exist_ok=True)
        shutil.copytree(self.main, self.staging, dirs_exist_ok=True)
        shutil.rmtree(self.main)
        self.main.mkdir()

    def settle(self, **submissions):
        """Say in registry.yaml where submissions wait."""
        path = self.root / "registry.yaml"
        path.write_text(path.read_text() + f"submissions: {json.dumps(submissions)}\n")

    def promote(self, *sources, **options):
        with neurogister.open(self.root) as registry:
            return registry.promote(sources=[str(each) for each in sources], **options)

    def objects(self, folder=None):
        folder = folder or self.main
        found = {}
        for path in folder.rglob("*"):
            with suppress(FileNotFoundError):  # a temporary file that has got its name
                if path.is_file():
                    found[path.relative_to(folder).as_posix()] = path.read_bytes()
        return found

    def clear_cache(self):
        shutil.rmtree(self.root / ".dvc" / "cache", ignore_errors=True)


@pytest.fixture
def world(home, tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROGISTER_RETRIES", "1")
    monkeypatch.setenv("NEUROGISTER_TIMEOUT", "5")
    world = World(tmp_path)
    world.registry.commit("Begin")
    world.registry.add_file("c/a.bin", b"content\n" * 1000, id="a")
    world.registry.add_folder("c/f", FOLDER, id="f")
    world.registry.add_package("lab/p", ["a", "f"])
    world.stage()
    world.registry.commit("Add data")
    return world


@pytest.fixture
def web(world):
    with FaultServer(world.staging) as server:
        yield server


def bundle(world, path, *, top="", extra=()):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in [*world.objects(world.staging).items(), *extra]:
            archive.writestr(f"{top}{name}", data)
    return path


def object_of(world, name, folder):
    dataset, _, part = name.partition(":")
    digests = world.registry.find(dataset).digests
    return folder / (digests.files[part] if part else digests).key


def test_objects_listings_and_packages_arrive_once(world):
    result = world.promote(world.staging, log=world.log)
    assert world.objects() == world.objects(world.staging)
    assert {each.status for each in result.objects} == {"promoted"}
    lines = [json.loads(line) for line in world.log.read_text().splitlines()]
    assert {line["object"] for line in lines} == {each.object for each in result.objects}
    for line in lines:
        name = line["object"]
        key = f"files/md5/{name[:2]}/{name[2:]}"
        assert line["size"] == len(world.objects()[key])
        assert line["commit"] == result.commit
        known_to_git = name == world.registry.find("f").digests.md5
        assert line["from"] == ("git" if known_to_git else str(world.staging))
        if line["sha256"]:
            assert line["sha256"] == hashlib.sha256(world.objects()[key]).hexdigest()
    again = world.promote(log=world.log)  # staging is not even looked for
    assert {each.status for each in again.objects} == {"there"}
    assert not again.changes
    assert len(world.log.read_text().splitlines()) == len(lines)


def test_what_the_main_remote_has_is_not_asked_from_staging(world, web):
    there = object_of(world, "a", world.main)
    there.parent.mkdir(parents=True)
    shutil.copy(object_of(world, "a", world.staging), there)
    world.promote(web.url)
    asked = {request.path.lstrip("/") for request in web.requests}
    assert world.registry.find("a").digests.key not in asked
    assert world.registry.find("f").digests.key not in asked  # git knows the listing
    assert world.objects() == world.objects(world.staging)


def test_only_what_changed_since_the_base(world):
    first = world.registry.git("rev-parse", "HEAD").strip()
    world.registry.add_file("c/b.bin", b"more", id="b")
    world.stage()
    world.registry.commit("More")
    result = world.promote(world.staging, base=first)
    assert [each.name for each in result.objects] == ["c/b.bin"]
    assert len(world.objects()) == 1


def test_the_commit_counts_and_not_the_work_tree(world):
    world.registry.add_file("c/draft.bin", b"draft", id="draft")
    world.stage()
    world.promote(world.staging)
    assert b"draft" not in world.objects().values()
    with neurogister.open(world.root, rev="HEAD~1") as registry:
        assert registry.promote(sources=str(world.staging)).objects == []


def test_earlier_versions_in_the_ledger_are_named_too(world):
    world.registry.new_version("c/a.bin", b"better")
    world.registry.new_version("c/f", {"other": b"other"})
    world.stage()
    world.registry.commit("Versions")
    world.promote(world.staging)
    assert world.objects() == world.objects(world.staging)


def test_a_dry_run_tells_and_changes_nothing(world):
    result = world.promote(world.staging, dry_run=True, log=world.log)
    assert {each.status for each in result.objects} == {"planned"}
    assert world.objects() == {}
    assert not world.log.exists()


@pytest.mark.parametrize("victim", ["a", "f:x.txt", "f:deep/y.bin"])
@pytest.mark.parametrize("kind", ["swapped", "cut", "empty", "longer"])
def test_other_bytes_in_staging_leave_the_main_remote_untouched(world, web, victim, kind):
    path = object_of(world, victim, world.staging)
    good = path.read_bytes()
    path.chmod(0o644)
    bad = {"swapped": bytes([good[0] ^ 1]) + good[1:], "cut": good[:-1], "empty": b"",
           "longer": good + b"!"}[kind]  # fmt: skip
    path.write_bytes(bad)
    with pytest.raises(IntegrityError):
        world.promote(web.url)
    assert world.objects() == {}
    path.write_bytes(good)
    world.promote(web.url)
    assert world.objects() == world.objects(world.staging)


def test_the_sha256_counts_beside_the_md5(world):
    pointer = world.root / "data/c/a.bin.dvc"
    text = pointer.read_text()
    right = hashlib.sha256(b"content\n" * 1000).hexdigest()
    assert right in text
    pointer.write_text(text.replace(right, "0" * 64))
    world.registry.commit("A wrong sha256")
    with pytest.raises(IntegrityError, match="sha256"):
        world.promote(world.staging)
    assert world.objects() == {}


def test_another_object_in_the_main_remote_is_left_alone(world):
    path = object_of(world, "a", world.main)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"another")
    with pytest.raises(IntegrityError, match="another object"):
        world.promote(world.staging)
    assert world.objects() == {world.registry.find("a").digests.key: b"another"}


def test_reading_back_finds_what_a_size_does_not_tell(world):
    world.promote(world.staging)
    path = object_of(world, "a", world.main)
    path.chmod(0o644)
    path.write_bytes(b"CONTENT\n" * 1000)
    assert not world.promote().changes
    with pytest.raises(IntegrityError):
        world.promote(verify_remote=True)


def without_manifest(world, listing, *, nfiles, size):
    """Let a pointer name a folder of which only a listing in staging tells the files."""
    data = (
        json.dumps(listing, sort_keys=True).encode() if not isinstance(listing, bytes) else listing
    )
    md5 = hashlib.md5(data).hexdigest()
    path = world.staging / f"files/md5/{md5[:2]}/{md5[2:]}.dir"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    fact = f"size: {size}, nfiles: {nfiles}"
    world.registry.write(
        "data/c/odd.dvc",
        f"outs:\n- md5: {md5}.dir\n  size: {size}\n  nfiles: {nfiles}\n  hash: md5\n  path: odd\n"
        "meta:\n  neurogister:\n    id: odd\n    version: 1\n    created_by: A\n"
        "    created_on: '2024-01-01T00:00:00Z'\n    status: active\n    versions:\n"
        f"    - {{version: 1, md5: {md5}.dir, {fact}, date: '2024-01-01T00:00:00Z', by: A}}\n",
    )
    world.registry.commit("A folder without a manifest")


def entry(world, data, path):
    md5 = hashlib.md5(data).hexdigest()
    target = world.staging / f"files/md5/{md5[:2]}/{md5[2:]}"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return {"md5": md5, "relpath": path}


def test_a_folder_without_a_manifest(world, web):
    listing = [entry(world, b"one", "one"), entry(world, b"two!", "sub/two")]
    without_manifest(world, listing, nfiles=2, size=7)
    world.promote(web.url)
    assert world.objects() == world.objects(world.staging)
    assert not world.promote().changes


@pytest.mark.parametrize(
    ("listing", "nfiles"),
    [
        ([{"md5": "0" * 32, "relpath": "../../../.git/config"}], 1),
        ([{"md5": "0" * 32, "relpath": "/etc/passwd"}], 1),
        ([{"md5": "../../etc", "relpath": "a"}], 1),
        ([{"md5": "0" * 32, "relpath": "a"}, {"md5": "0" * 32, "relpath": "A"}], 2),
        ([{"md5": "0" * 32, "relpath": f"f{n}"} for n in range(50)], 2),
        ([{"md5": "0" * 32, "relpath": "a", "isexec": True}], 1),
        (b"[" * 3000, 1),
        (b"x" * 9000, 1),
    ],
)
def test_a_hostile_listing_is_refused_before_its_files_are_asked_for(world, web, listing, nfiles):
    without_manifest(world, listing, nfiles=nfiles, size=1)
    with pytest.raises((InvalidFileError, IntegrityError)):
        world.promote(web.url)
    assert world.objects() == {}
    assert not any("0" * 30 in request.path or "etc" in request.path for request in web.requests)


def test_files_that_are_more_than_the_pointer_says(world, web):
    listing = [entry(world, b"one", "one"), entry(world, b"two!", "sub/two")]
    without_manifest(world, listing, nfiles=2, size=6)
    with pytest.raises(InvalidFileError, match="7 bytes"):
        world.promote(web.url)
    assert world.objects() == {}


def test_a_manifest_that_is_not_that_of_the_pointer(world):
    path = world.root / "data/c/f.manifest.csv"
    path.write_text(path.read_text().replace("x.txt", "z.txt"))
    world.registry.commit("Another manifest")
    with pytest.raises(InvalidFileError, match=r"f\.manifest\.csv"):
        world.promote(world.staging)
    assert world.objects() == {}


def test_a_broken_pointer_stops_everything(world):
    world.registry.write("data/c/bad.dvc", "outs:\n- md5: ../../x\n  path: bad\n")
    world.registry.commit("Broken")
    with pytest.raises(NeurogisterError) as caught:
        world.promote(world.staging)
    assert all("data/c/bad.dvc" in each.message for each in caught.value.errors)
    assert world.objects() == {}


def test_a_pointer_without_size_is_not_fetched_from_a_stranger(world):
    entry(world, b"abc", "x")
    md5 = hashlib.md5(b"abc").hexdigest()
    world.registry.write("data/c/n.dvc", f"outs:\n- md5: {md5}\n  hash: md5\n  path: n\n")
    world.registry.commit("No size")
    with pytest.raises(NeurogisterError) as caught:
        world.promote(world.staging)
    assert all("data/c/n.dvc" in each.message for each in caught.value.errors)
    assert world.objects() == {}


# Where the bytes are.


def test_a_submission_names_an_address_that_is_allowed(world, web):
    world.settle(allowed=[f"{web.url}/"])
    world.registry.commit(f"Add data\n\nNeurogister-Staging: {web.url}")
    world.promote()
    assert world.objects() == world.objects(world.staging)


@pytest.mark.parametrize(
    "trailer",
    [
        "{web}", "file:///etc", "s3://bucket/x", "http://169.254.169.254/latest", "http://[::1]/x",
        "https://github.com.evil.example/user-attachments/x", "/etc", "{web}/../x",
        "https://me:pw@github.com/user-attachments/x", "ext::sh", "{web}/%2e%2e/x",
    ],
)  # fmt: skip
def test_an_address_that_is_not_allowed_is_not_asked(world, web, trailer):
    world.settle(allowed=["https://github.com/user-attachments/", f"{web.url}/alice/"])
    url = trailer.format(web=web.url)
    world.registry.commit(f"Add data\n\nNeurogister-Staging: {url}")
    with pytest.raises(RefusedError):
        world.promote()
    assert not web.requests
    assert world.objects() == {}


def test_one_address_that_is_refused_is_not_in_the_way_of_others(world, web):
    world.settle(allowed=[web.url])
    world.registry.commit(f"A\n\nNeurogister-Staging: {web.url}")
    world.registry.commit("B\n\nNeurogister-Staging: file:///etc")
    world.promote()
    assert world.objects() == world.objects(world.staging)


def test_no_redirect_to_a_private_address(world, web, tmp_path):
    with FaultServer(tmp_path / "staging") as inner:
        web.rules.append(Always(Redirect(f"{inner.url}/secret"), match="*"))
        with pytest.raises(RefusedError, match="private"):
            world.promote(web.url)
        assert not inner.requests
    assert world.objects() == {}


def test_the_usual_staging(world, tmp_path):
    world.registry.set_config({"'remote \"staging\"'": {"url": str(world.staging)}})
    world.settle(staging="staging")
    world.registry.commit("Staging")
    world.promote(to="storage")
    assert world.objects() == world.objects(world.staging)


def test_nothing_says_where(world):
    with pytest.raises(NotFoundError, match="nothing says"):
        world.promote()


def test_staging_is_not_the_main_remote(world):
    with pytest.raises(UsageError, match="both"):
        world.promote("storage")


@pytest.mark.parametrize("top", ["", "bundle/"])
def test_a_bundle_that_is_attached(world, tmp_path, top):
    (tmp_path / "files").mkdir()
    bundle(world, tmp_path / "files" / "b.zip", top=top)
    with FaultServer(tmp_path / "files") as server:
        world.settle(allowed=[server.url])
        world.registry.commit(f"A\n\nNeurogister-Staging: {server.url}/b.zip")
        world.promote()
    assert world.objects() == world.objects(world.staging)
    assert not list((world.root / ".dvc/cache/neurogister/tmp").iterdir())


@pytest.mark.parametrize("kind", ["bomb", "climbs", "large", "none", "wrong"])
def test_a_hostile_bundle(world, tmp_path, kind):
    path = tmp_path / "b.zip"
    extra = {
        "bomb": [("files/md5/00/bomb", b"\0" * (40 << 20))],
        "climbs": [("../../evil", b"x")],
        "large": [("files/md5/00/large", random_bytes(20 << 20))],
    }.get(kind, [])
    if kind == "wrong":
        object_of(world, "a", world.staging).chmod(0o644)
        object_of(world, "a", world.staging).write_bytes(b"other")
    bundle(world, path, extra=extra)
    if kind == "none":
        path.write_bytes(b"PK nonsense")
    with FaultServer(tmp_path) as server, pytest.raises((InvalidFileError, IntegrityError)):
        world.promote(f"{server.url}/b.zip")
    assert world.objects() == {}
    assert not list((world.root / ".dvc/cache/neurogister/tmp").iterdir())
    assert not (tmp_path / "evil").exists()


# When things go wrong.


def test_an_object_that_nobody_has(world):
    object_of(world, "a", world.staging).unlink()
    with pytest.raises(NotFoundError):
        world.promote(world.staging)
    assert world.objects() == {}


def test_staging_that_is_away(world):
    with pytest.raises(NeurogisterError) as caught:
        world.promote("http://127.0.0.1:9/x")
    assert all(
        isinstance(each, NetworkError) for each in getattr(caught.value, "errors", [caught.value])
    )


def test_offline(world, monkeypatch):
    monkeypatch.setenv("NEUROGISTER_OFFLINE", "1")
    with pytest.raises(OfflineError):
        world.promote(world.staging)


def test_what_fails_for_a_passing_reason_is_tried_again(world, web):
    web.rules.append(First(1, Status(503), match="*"))
    world.promote(web.url)
    assert world.objects() == world.objects(world.staging)


def test_two_at_once(world, web):
    with ThreadPoolExecutor(2) as executor:
        done = list(executor.map(lambda _: world.promote(web.url), range(2)))
    assert world.objects() == world.objects(world.staging)
    assert {len(each.objects) for each in done} == {len(world.objects())}


@pytest.mark.parametrize("fault", [Endless(), Endless(chunked=True), Gzip(bomb=1 << 26)])
@pytest.mark.parametrize("victim", ["a", "f:deep/y.bin"])
def test_an_object_without_an_end_is_not_read_to_it(world, web, fault, victim):
    key = object_of(world, victim, world.staging).relative_to(world.staging).as_posix()
    web.rules.append(Always(fault, match=f"/{key}"))
    with pytest.raises(IntegrityError):
        world.promote(web.url)
    assert world.objects() == {}
    assert sum(request.bytes_sent for request in web.requests) < 60_000_000


def test_killed_and_run_again(world, web, start, run):
    """Killed while it fetches a large object, and again: what came need not come again."""
    key = object_of(world, "f:deep/y.bin", world.staging)
    size = key.stat().st_size
    slow = Always(Slow(3_000_000), match=f"/{key.relative_to(world.staging).as_posix()}")
    web.rules.append(slow)
    arguments = ("promote", "--from", web.url, "--log", world.log, "-q")
    for _ in range(2):
        process = start(*arguments, cwd=world.root)
        before = sent_of(web, key)
        deadline = time.monotonic() + 20
        while sent_of(web, key) < before + 2_000_000:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        process.wait()
        assert world.objects() == {}
    web.rules.remove(slow)
    done = run(*arguments, cwd=world.root)
    assert done.returncode == 0, done.stderr
    assert world.objects() == world.objects(world.staging)
    # nothing but what was on its way when it was killed came twice
    assert sent_of(web, key) < size + 4_000_000
    names = {json.loads(line)["object"] for line in world.log.read_text().splitlines()}
    assert len(names) == len(world.objects())


def sent_of(web, path):
    return sum(each.bytes_sent for each in web.requests if each.path.endswith(path.name))


def test_killed_while_it_stores(world, start, run):
    """Objects of the main remote are whole or absent whenever it is killed."""
    wanted = world.objects(world.staging)
    run("promote", "--from", world.staging, "--dry-run", cwd=world.root)
    for n in range(1, 8):
        process = start("promote", "--from", world.staging, "--jobs", "1", "-q", cwd=world.root)
        deadline = time.monotonic() + 20
        while len(world.objects()) < n and process.poll() is None:
            assert time.monotonic() < deadline
        process.kill()
        process.wait()
        kept = {name: data for name, data in world.objects().items() if ".tmp" not in name}
        assert kept.items() <= wanted.items()
    done = run("promote", "--from", world.staging, "-q", cwd=world.root)
    assert done.returncode == 0, done.stderr
    kept = {name: data for name, data in world.objects().items() if ".tmp" not in name}
    assert kept == wanted
