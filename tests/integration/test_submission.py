"""A contributor's whole way: from a fork to what somebody else pulls, with real git, DVC and S3."""

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from tests.factories import make_registry, random_bytes
from tests.servers import FAST, find_program, http_server, run_git, s3_server
from tests.stagings import form_server, gateway

DATA = {"a.bin": random_bytes(50_000, 1), "deep/b.bin": random_bytes(9_000_000, 2)}
GH = """\
#!{python}
import json, os, sys
words = sys.argv[1:]
known = {state!r}
with open(known + ".log", "a") as log:
    log.write(json.dumps([words, sys.stdin.read() if "-" in words else ""]) + "\\n")
if os.path.exists(known + ".broken"):
    sys.exit("HTTP 401: Bad credentials")
if words[:2] == ["pr", "view"]:
    if not os.path.exists(known):
        sys.exit("no pull requests found")
    print(open(known).read())
elif words[:2] == ["pr", "create"]:
    open(known, "w").write("https://github.com/lab/registry/pull/7")
    print("https://github.com/lab/registry/pull/7")
elif words[:2] == ["api", "user"]:
    print("alice")
"""


class World:
    """A registry's repository, main bucket and staging; a fork of a contributor; maintainers."""

    def __init__(self, folder, run):
        self.folder = folder
        self.run = run
        self.upstream = folder / "upstream.git"
        self.fork = folder / "fork.git"
        self.mine = folder / "mine"
        self.theirs = folder / "theirs"

    def make(self, main, remotes, **submissions):
        registry = make_registry(
            self.folder / "first", objects=self.folder / "unused",
            settings={"submissions": submissions} if submissions else None,
        )  # fmt: skip
        for name, (url, options) in {"main": main, **remotes}.items():
            registry.remote_url(url, options, name=name)
        registry.set_config({"core": {"remote": "main"}})
        registry.add_collection("c", license="CC0-1.0")
        registry.commit("Begin")
        run_git("clone", "--quiet", "--bare", str(registry.root), str(self.upstream))
        run_git("clone", "--quiet", "--bare", str(self.upstream), str(self.fork))
        run_git("clone", "--quiet", str(self.fork), str(self.mine))
        run_git("remote", "add", "upstream", str(self.upstream), folder=self.mine)
        run_git("clone", "--quiet", str(self.upstream), str(self.theirs))

    def keys(self, checkout, name, access, secret):
        with (checkout / ".dvc/config.local").open("a") as file:
            file.write(
                f"['remote \"{name}\"']\n    access_key_id = {access}\n"
                f"    secret_access_key = {secret}\n"
            )

    def source(self):
        folder = self.folder / "inbox" / "scan"
        for name, data in DATA.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return folder

    def submit(self, *options, status=0):
        done = self.run(
            "deposit", self.source(), "--to", "c", "--id", "scan1", "--submit", "--json", *options,
            cwd=self.mine,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout.splitlines()[-1]) if status in (0, 10) else done.stderr

    def merge(self, branch):
        """Do what the host does when a maintainer merges the pull request."""
        run_git("fetch", "--quiet", str(self.fork), branch, folder=self.theirs)
        run_git("merge", "--quiet", "--no-ff", "-m", "Merge", "FETCH_HEAD", folder=self.theirs)
        run_git("push", "--quiet", "origin", "main", folder=self.theirs)

    def promote(self, *options, status=0):
        done = self.run("promote", "--base", "HEAD^1", "--json", *options, cwd=self.theirs)
        assert done.returncode == status, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def pull(self, key=None):
        """Pull as somebody else, with neurogister and with plain DVC."""
        for name, command in {
            "neurogister": [sys.executable, "-m", "neurogister", "pull", "scan1"],
            "dvc": [sys.executable, "-m", "dvc", "pull", "data/c/scan1.dvc"],
        }.items():
            clone = self.folder / f"reader-{name}"
            run_git("clone", "--quiet", str(self.upstream), str(clone))
            if key:
                self.keys(clone, "main", *key)
            done = subprocess.run(command, cwd=clone, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
            top = clone / "data/c/scan1"
            found = {p.relative_to(top).as_posix(): p.read_bytes()
                     for p in top.rglob("*") if p.is_file()}  # fmt: skip
            assert found == DATA


@pytest.fixture
def world(home, tmp_path, monkeypatch, run):
    monkeypatch.setenv("NEUROGISTER_RETRIES", "1")
    monkeypatch.setenv("NEUROGISTER_TIMEOUT", "10")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "somebody@example.org")
    programs = tmp_path / "bin"  # where git is, and no gh
    programs.mkdir()
    for name in ("git",):
        (programs / name).symlink_to(find_program(name))
    path = [str(programs), *os.environ["PATH"].split(os.pathsep)]
    kept = [each for each in path if not (Path(each) / "gh").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join(kept))
    return World(tmp_path, run)


@pytest.fixture
def gh(world):
    """The recording stand-in for GitHub's program: the world outside."""
    state = world.folder / "pull-request"
    program = world.folder / "bin" / "gh"
    program.write_text(GH.format(python=sys.executable, state=str(state)))
    program.chmod(0o755)
    return lambda: [json.loads(x) for x in Path(f"{state}.log").read_text().splitlines()]


def files_in(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes()
            for p in folder.rglob("*") if p.is_file()}  # fmt: skip


def test_s3_with_a_folder_for_each_contributor(world, gh, tmp_path):
    """Fork, submit, merge, promote, pull: the contributor's key may write its folder only."""
    pairs = ("ALICEACCESSKEY,ALICESECRETKEY", "BOTACCESSKEY01,BOTSECRETKEY01")
    root = tmp_path / "s3"
    for bucket in ("main", "staging"):
        (root / bucket).mkdir(parents=True)
    options = (*FAST, "--auth-key", pairs[0], "--auth-key", pairs[1])
    rights = {"ALICEACCESSKEY": "/staging/in/alice/", "BOTACCESSKEY01": "/main/"}
    with (
        s3_server(root, anonymous=True, options=options) as server,
        gateway(server.endpoint, rights) as gate,
    ):
        at = {"endpointurl": gate.url, "region": "us-east-1"}
        world.make(
            ("s3://main/store", at), {"staging": ("s3://staging", at)},
            staging="staging", prefix="in/{login}/",
        )  # fmt: skip
        world.keys(world.mine, "staging", *pairs[0].split(","))
        for name in ("main", "staging"):
            world.keys(world.theirs, name, *pairs[1].split(","))
        planned = world.submit("--dry-run", status=10)
        assert planned["branch"] == "submit/c-scan1"
        assert files_in(root) == {}
        done = world.submit()
        assert done["staging"] == "s3://staging/in/alice"
        assert done["pull_request"] == "https://github.com/lab/registry/pull/7"
        assert done["next"] == []
        staged = files_in(root / "staging/in/alice")
        assert len(staged) == 3
        assert files_in(root / "main") == {}
        created = [text for words, text in gh() if words[:2] == ["pr", "create"]]
        assert len(created) == 1
        assert "`scan1`" in created[0]
        again = world.submit()
        assert again["pull_request"] == done["pull_request"]
        assert len([w for w, _ in gh() if w[:2] == ["pr", "create"]]) == 1
        assert not gate.refused
        # A contributor of another name may not write into this folder.
        run_git("config", "github.user", "mallory", folder=world.mine)
        assert "in/mallory" in world.submit(status=6)
        assert gate.refused
        world.merge(done["branch"])
        dry = world.promote("--dry-run", status=10)
        assert {each["status"] for each in dry} == {"planned"}
        promoted = world.promote("--verify-remote")
        assert {(each["status"], each["proof"]) for each in promoted} == {("promoted", "content")}
        assert files_in(root / "main/store") == staged
        assert {each["status"] for each in world.promote()} == {"there"}
        world.pull(pairs[1].split(","))


def test_a_form_that_the_broker_has_signed(world, tmp_path):
    with form_server(tmp_path / "posted") as broker:
        world.make((str(tmp_path / "main"), {}), {}, allowed=[f"{broker.url}/incoming/"])
        form = tmp_path / "form.json"
        form.write_text(json.dumps(broker.form("alice/")))
        done = world.submit("--staging-form", form)
        assert done["staging"] == f"{broker.url}/incoming/alice"
        staged = files_in(tmp_path / "posted/incoming/alice")
        assert len(staged) == 3
        assert done["next"] == [
            f"open a pull request of the branch {done['branch']}, which is in origin"
        ]
        world.merge(done["branch"])
        world.promote()
        assert files_in(tmp_path / "main") == staged
        world.pull()


@pytest.mark.parametrize(
    "change",
    [
        {"key": "bob/${filename}"},
        {"x-amz-signature": "0" * 64},
        {"acl": "public-read"},
        {"seconds": -10},
        {"largest": 1000},
    ],
)
def test_a_form_that_does_not_allow_it(world, tmp_path, change):
    with form_server(tmp_path / "posted") as broker:
        world.make((str(tmp_path / "main"), {}), {})
        options = {key: change[key] for key in ("seconds", "largest") if key in change}
        document = broker.form("alice/", **options)
        document["fields"] |= {key: value for key, value in change.items() if key not in options}
        form = tmp_path / "form.json"
        form.write_text(json.dumps(document))
        said = world.submit("--staging-form", form, status=6)
        assert "ask for a new one" in said
        assert not [name for name in files_in(tmp_path / "posted") if name.endswith(".dir")]
        assert "scan1" not in run_git("log", "--all", "--format=%B", folder=world.mine)


def test_a_bundle_in_the_pull_request(world, tmp_path):
    """The zip file is attached by hand; its address is told by the same command, run again."""
    world.make((str(tmp_path / "main"), {}), {}, allowed=["http://127.0.0.1/"])
    bundle = tmp_path / "attachments" / "scan.zip"
    bundle.parent.mkdir()
    done = world.submit("--bundle", bundle)
    assert done["staging"] is None
    assert done["next"][0].startswith(f"attach {bundle}")
    first = bundle.read_bytes()
    with zipfile.ZipFile(bundle) as archive:
        assert len(archive.namelist()) == 3
    with http_server(bundle.parent) as server:
        url = f"{server.url}/scan.zip"
        again = world.submit("--bundle", bundle, "--staging", url)
        assert bundle.read_bytes() == first
        assert again["staging"] == url
        world.merge(done["branch"])
        # the address is not one that registry.yaml allows: the maintainer looks, and says so
        world.promote(status=7)
        assert not (tmp_path / "main").exists()
        world.promote("--from", url)
    world.pull()


def test_an_address_that_the_contributor_fills(world, tmp_path):
    web = tmp_path / "web"
    with http_server(web) as server:
        world.make((str(tmp_path / "main"), {}), {}, allowed=[server.url])
        said = world.submit("--staging", server.url, status=3)
        assert "--bundle DIR" in said
        out = tmp_path / "out"
        world.submit("--staging", server.url, "--bundle", out)
        shutil.copytree(out, web, dirs_exist_ok=True)
        done = world.submit("--staging", server.url)
        assert done["staging"] == server.url
        world.merge(done["branch"])
        swapped = next(p for p in web.rglob("*") if p.is_file() and p.stat().st_size == 50_000)
        good = swapped.read_bytes()
        swapped.chmod(0o644)
        swapped.write_bytes(good[::-1])
        shutil.rmtree(world.theirs / ".dvc/cache", ignore_errors=True)
        world.promote(status=4)
        assert not (tmp_path / "main").exists() or files_in(tmp_path / "main") == {}
        swapped.write_bytes(good)
        world.promote()
    world.pull()


def test_nothing_says_where_to(world, tmp_path):
    world.make((str(tmp_path / "main"), {}), {})
    assert "--staging" in world.submit(status=2)
    assert "--submit" in world.submit("--no-push", status=2)
    assert run_git("branch", "--list", "submit/*", folder=world.mine) == ""


def test_a_pull_request_that_cannot_be_opened_yet(world, gh, tmp_path):
    world.make((str(tmp_path / "main"), {}), {})
    broken = tmp_path / "pull-request.broken"
    broken.touch()
    said = world.submit("--bundle", tmp_path / "b.zip", status=1)
    assert "gh did not open the pull request: HTTP 401" in said
    head = run_git("rev-parse", "submit/c-scan1", folder=world.fork)
    broken.unlink()
    done = world.submit("--bundle", tmp_path / "b.zip")
    assert done["pull_request"] == "https://github.com/lab/registry/pull/7"
    assert run_git("rev-parse", "submit/c-scan1", folder=world.fork) == head


def test_a_submission_that_was_killed_goes_on(world, tmp_path, start):
    world.make((str(tmp_path / "main"), {}), {})
    source = world.source()
    words = ("deposit", source, "--to", "c", "--id", "scan1", "--submit", "-q")
    for delay in (0.3, 0.5, 0.7, 0.9, 1.1):
        process = start(*words, "--bundle", tmp_path / "b.zip", cwd=world.mine)
        time.sleep(delay)
        process.kill()
        process.wait()
        (world.mine / ".git/index.lock").unlink(missing_ok=True)  # git's own, as its hint tells
    world.submit("--bundle", tmp_path / "b.zip")
    assert run_git("log", "--format=%s", "main..submit/c-scan1", folder=world.fork).split("\n")[0]
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert sorted(map(len, map(archive.read, archive.namelist())))[1:] == [50_000, 9_000_000]
    world.merge("submit/c-scan1")
    world.promote("--from", tmp_path / "b.zip")
    world.pull()


def test_a_fork_that_takes_nothing(world, tmp_path):
    world.make((str(tmp_path / "main"), {}), {})
    shutil.rmtree(world.fork)
    bundle = tmp_path / "b.zip"
    world.submit("--bundle", bundle, status=3)
    run_git("clone", "--quiet", "--bare", str(world.upstream), str(world.fork))
    done = world.submit("--bundle", bundle)
    assert done["branch"] in run_git("branch", "--list", "submit/*", folder=world.fork)


def test_a_file_in_the_place_of_the_bundle_stays(world, tmp_path):
    world.make((str(tmp_path / "main"), {}), {})
    bundle = tmp_path / "thesis.zip"
    bundle.write_bytes(b"my thesis")
    assert "no bundle" in world.submit("--bundle", bundle, status=7)
    assert bundle.read_bytes() == b"my thesis"
