"""What our own commands make is valid; any change of what was published is not."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.corpus.ground import make_ground
from tests.factories import RegistryBuilder, make_registry, to_yaml
from tests.servers import run_git

import neurogister
from neurogister import NotFoundError, Registry, UsageError
from neurogister.actions.session import Session, open_session
from neurogister.actions.validate import validate
from neurogister.settings import load_settings

# Our own commands.


class Person:
    """Somebody who does one thing after the other, by chance."""

    def __init__(self, root: Path, inbox: Path, seed: int) -> None:
        self.root = root
        self.inbox = inbox
        self.chance = random.Random(seed)
        self.count = 0
        self.mine: list[str] = []

    def act(self) -> str:
        """Do something; return what."""
        self.count += 1
        acts: list[Callable[[Registry], object]] = [
            self.deposit, self.deposit, self.new_version, self.rename, self.withdraw, self.modify,
            self.release, self.vendor,
        ]  # fmt: skip
        act = self.chance.choice(acts)
        with neurogister.open(self.root) as registry:
            act(registry)
        return act.__name__

    def _file(self, name: str) -> Path:
        path = self.inbox / name
        path.write_bytes(b"%d of %f" % (self.count, self.chance.random()))
        return path

    def _any(self) -> str:
        """Choose a file of their own that was not withdrawn."""
        return self.chance.choice(self.mine)

    def deposit(self, registry: Registry) -> None:
        file = self._file(f"mine-{self.count}.bin")
        registry.deposit(file, to="c", id=f"mine-{self.count}", push=False, commit=True)
        self.mine.append(f"mine-{self.count}")

    def new_version(self, registry: Registry) -> None:
        name = self._any()
        registry.deposit(self._file(f"{name}.bin"), new_version=name, push=False, commit=True)

    def rename(self, registry: Registry) -> None:
        registry.rename(self._any(), f"c/renamed-{self.count}.bin", commit=True)

    def withdraw(self, registry: Registry) -> None:
        if len(self.mine) > 1:
            self.mine.remove(name := self._any())
            registry.withdraw(name, "a wish", commit=True)

    def modify(self, registry: Registry) -> None:
        registry.modify(
            self._any(), metadata={"n": self.count}, title=f"No. {self.count}", commit=True
        )

    def release(self, registry: Registry) -> None:
        registry.add_members("acme/tests", [f"mni-t1=f-{self.count}.nii.gz"], commit=True)
        registry.release("acme/tests", f"2.{self.count}.0", push=False, commit=True)

    def vendor(self, registry: Registry) -> None:
        registry.add_vendor(f"people{'x' * self.count}", maintainers=["Ada"], commit=True)


@pytest.mark.parametrize("seed", range(3))
def test_own_commands_are_valid_against_every_ancestor(
    home: Path, tmp_path: Path, seed: int
) -> None:
    root = make_ground(tmp_path / "registry").root
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    person = Person(root, inbox, seed)
    commits = [run_git("rev-parse", "HEAD", folder=root).strip()]
    with neurogister.open(root) as registry:
        person.deposit(registry)
    done = [person.act() for _ in range(7)]
    commits += run_git("rev-list", f"{commits[0]}..HEAD", folder=root).split()

    for base in commits:
        with neurogister.open(root, rev="HEAD") as registry:
            report = registry.validate(base)
        assert not report.errors, (done, base, report.errors)
        assert not report.unjudged


# What was published.


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, Path]]:
    root = make_ground(tmp_path_factory.mktemp("published") / "registry").root
    session = open_session(load_settings(registry=str(root), rev="main"))
    yield session, root
    session.close()


_FILES = ("data/c/a.bin.dvc", "data/c/b.bin.dvc", "data/c/dwi.dvc", "data/c/gone.bin.yaml",
          "store/acme/tests.yaml")  # fmt: skip


def _changed(value: Any, chance: random.Random) -> Any:
    if isinstance(value, int):
        return value + chance.choice((-1, 1))
    if value[-4:] == ".dir":
        return f"{_changed(value[:-4], chance)}.dir"
    place = chance.randrange(len(value))
    other = chance.choice([each for each in "0123456789" if each != value[place]])
    return value[:place] + other + value[place + 1 :]


def _mutate(document: dict[str, Any], chance: random.Random) -> str:
    """Change one thing of the identifier or the ledger; return what."""
    record = document["meta"]["neurogister"] if "meta" in document else document
    versions = record["versions"]
    number = chance.randrange(len(versions))
    act = chance.choice(["field", "field", "field", "drop", "delete", "double", "id", "out"])
    if act == "field":
        key = chance.choice(list(versions[number]))
        versions[number][key] = _changed(versions[number][key], chance)
        return f"{act} {number} {key}"
    if act == "drop":
        key = chance.choice(list(versions[number]))
        del versions[number][key]
        return f"{act} {number} {key}"
    if act == "delete":
        del versions[number]
    elif act == "double":
        versions.insert(number, dict(versions[number]))
    elif act == "out" and "outs" in document:
        key = chance.choice(["md5", "size"])
        document["outs"][0][key] = _changed(document["outs"][0][key], chance)
    elif "id" in record:
        record["id"] = _changed(record["id"], chance)
    else:
        del versions[number]
    return act


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(_FILES), chance=st.integers(0, 10**9).map(random.Random))
def test_no_single_change_of_a_ledger_passes(
    published: tuple[Session, Path], path: str, chance: random.Random
) -> None:
    text = run_git("show", f"main:{path}", folder=published[1])
    document = yaml.safe_load(text)
    what = _mutate(document, chance)

    report = validate(published[0], base="main", overlay={path: to_yaml(document).encode()})
    assert report.status == 1, (path, what)
    assert any(path == each.path for each in report.errors), (path, what)


def test_writing_it_anew_as_it_is_passes(published: tuple[Session, Path]) -> None:
    for path in _FILES:
        text = run_git("show", f"main:{path}", folder=published[1])
        overlay = {path: (to_yaml(yaml.safe_load(text)) + "# again\n").encode()}
        assert validate(published[0], base="main", overlay=overlay).status == 0


# What a submission is.


@pytest.fixture
def registry(home: Path, tmp_path: Path) -> RegistryBuilder:
    return make_ground(tmp_path / "registry")


def _status(place: Path, base: str | None = None, rev: str | None = None, **options: Any) -> int:
    with neurogister.open(place, rev=rev) as opened:
        return opened.validate(base, **options).status


def test_unrelated_histories(registry: RegistryBuilder) -> None:
    tree = registry.git("write-tree").strip()
    alone = registry.git("commit-tree", tree, "-m", "alone").strip()

    with pytest.raises(NotFoundError, match="have no history in common"):
        _status(registry.root, "main", alone)


def test_shallow_clone_says_what_to_fetch(registry: RegistryBuilder, tmp_path: Path) -> None:
    start = registry.git("rev-parse", "start").strip()
    registry.git("checkout", "--quiet", "-b", "topic", "start")
    registry.git("commit", "--quiet", "--allow-empty", "-m", "Topic")
    url, clone = registry.root.as_uri(), tmp_path / "clone"
    run_git("clone", "--quiet", "--depth", "1", "--no-single-branch", url, str(clone))

    with pytest.raises(NotFoundError) as caught:
        _status(clone, "origin/main", "origin/topic")
    assert "git fetch --unshallow" in str(caught.value.hint)
    run_git("fetch", "--quiet", "--unshallow", folder=clone)
    assert start in run_git("rev-list", "origin/topic", folder=clone)
    assert _status(clone, "origin/main", "origin/topic") == 0


def test_unknown_base(registry: RegistryBuilder) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        _status(registry.root, "nowhere")


def test_staged_and_work_tree_are_kept_apart(registry: RegistryBuilder) -> None:
    path = registry.root / "data/c/a.bin.dvc"
    good = path.read_text()
    path.write_text(good.replace("id: a-one", "id: changed"))
    assert _status(registry.root, "main") == 1
    assert _status(registry.root, "main", staged=True) == 0
    registry.git("add", "data/c/a.bin.dvc")
    path.write_text(good)
    assert _status(registry.root, "main") == 0
    assert _status(registry.root, "main", staged=True) == 1


def test_bare_repository(registry: RegistryBuilder, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    run_git("clone", "--quiet", "--bare", str(registry.root), str(bare))

    assert _status(bare, "start", "main", scope="maintainer") in (0, 1)
    with pytest.raises(UsageError, match="no work tree"):
        _status(bare, staged=True)


def test_before_the_first_commit(home: Path, tmp_path: Path) -> None:
    built = make_registry(tmp_path / "first")
    built.add_file("c/a.bin", b"a", id="a-one")
    built.git("add", "--all")
    built.git("update-ref", "-d", "HEAD")

    assert _status(built.root) == 0
    (built.root / "data/c/a.bin.dvc").write_text("outs: []\n")
    assert _status(built.root) == 1
    assert _status(built.root, staged=True) == 0


def test_link_in_the_work_tree_is_not_followed(registry: RegistryBuilder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("token: 123\n")
    (registry.root / "data/c/a.bin.dvc").unlink()
    (registry.root / "data/c/a.bin.dvc").symlink_to(secret)

    with neurogister.open(registry.root) as opened:
        report = opened.validate("main")
    assert [each.rule for each in report.findings if each.path == "data/c/a.bin.dvc"][:1] == [
        "file-mode"
    ]
    assert "token" not in str(report.findings)
