"""Several deposit at once, in several branches: identifiers stay unique, and nothing is lost."""

import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.depositing import Lab

import neurogister
from neurogister.actions.rename import rename
from neurogister.actions.withdraw import withdraw
from neurogister.errors import NeurogisterError


@pytest.fixture
def lab(home, tmp_path):
    return Lab(tmp_path)


def together(lab, start, *commands):
    """Run commands at the same time; return how each ended, and what it said."""
    processes = [start(*each, cwd=lab.root) for each in commands]
    said = [process.communicate(timeout=60) for process in processes]
    return [
        (process.returncode, out, err) for process, (out, err) in zip(processes, said, strict=True)
    ]


def check(lab, *names):
    """Check that the registry has these datasets, whole, and that git agrees."""
    with neurogister.open(lab.root) as registry:
        items = registry.list()
        assert [item.name for item in items] == sorted(names)
        assert [item.error for item in items] == [None] * len(names)
        ids = [item.id.casefold() for item in items if item.id]
        assert len(ids) == len(set(ids)) == len(names)
        assert {verdict.status for verdict in registry.verify()} == {"ok"}
    ignored = (lab.root / "data/c/.gitignore").read_text().splitlines()
    assert sorted(ignored) == sorted(f"/{name.removeprefix('c/')}" for name in names)
    lab.git("fsck", "--strict")
    lab.check_clean()


@pytest.mark.parametrize("commit", [[], ["--commit"]], ids=["staged", "committed"])
def test_different_files(lab, start, commit):
    for n in range(6):
        lab.file(f"f{n}.bin", b"%d" % n)
    commands = [
        ["deposit", *(f"../inbox/f{m}.bin" for m in (n, n + 1)), "--to", "c", "--no-push", *commit]
        for n in (0, 2, 4)
    ]
    for status, _, said in together(lab, start, *commands):
        assert status == 0, said
    check(lab, *(f"c/f{n}.bin" for n in range(6)))
    assert [line for line in lab.git("status", "--porcelain").splitlines() if line[0] != "A"] == []
    if commit:
        assert lab.git("status", "--porcelain") == ""
        assert len(lab.git("log", "--format=%s").splitlines()) == 5


@pytest.mark.parametrize("auto", [["--auto-id"], []], ids=["made up", "from the name"])
def test_the_same_file(lab, start, auto):
    """Both may say that it is there; or one is told that it came too late."""
    path = lab.file("f.bin", b"same")
    command = ["deposit", str(path), "--to", "c", "--no-push", *auto]
    results = together(lab, start, command, command, command)
    assert {status for status, _, _ in results} <= {0, 7}, results
    assert 0 in {status for status, _, _ in results}
    with neurogister.open(lab.root) as registry:
        [item] = registry.list()
    check(lab, item.name)
    assert lab.deposit(path, auto_id=bool(auto)).deposited[0].status == "unchanged"


def test_the_same_content_under_two_identifiers(lab, start):
    paths = [lab.file(f"f{n}.bin", b"same") for n in range(2)]
    commands = [["deposit", str(path), "--to", "c", "--no-push"] for path in paths]
    results = together(lab, start, *commands)
    assert sorted(status for status, _, _ in results) == [0, 7], results
    assert any("has the same content" in err for _, _, err in results)


def test_the_same_identifier(lab, start):
    paths = [lab.file(f"f{n}.bin", b"%d" % n) for n in range(3)]
    commands = [
        ["deposit", str(path), "--to", "c", "--id", identifier, "--no-push"]
        for path, identifier in zip(paths, ("same", "Same", "SAME"), strict=True)
    ]
    results = together(lab, start, *commands)
    assert sorted(status for status, _, _ in results) == [0, 7, 7], results
    for status, _, said in results:
        assert status == 0 or "identifier" in said or "differs in case" in said
    with neurogister.open(lab.root) as registry:
        [item] = registry.list()
    check(lab, item.name)


def test_new_versions_of_one_dataset(lab, start):
    lab.put("a.bin", b"zero", commit=True)
    commands = [
        ["deposit", str(lab.file(f"v{n}.bin", b"%d" % n)), "--new-version", "a", "--no-push",
         "--commit"]
        for n in range(3)
    ]  # fmt: skip
    for status, _, said in together(lab, start, *commands):
        assert status == 0, said
    check(lab, "c/a.bin")
    record = lab.record("c/a.bin")
    assert [each.version for each in record.versions] == [1, 2, 3, 4]
    assert len({each.md5 for each in record.versions}) == 4
    assert record.version == 4
    assert lab.pointer("c/a.bin").md5 == record.versions[-1].md5
    assert lab.git("status", "--porcelain") == ""


def test_deposit_and_pull_and_modify(lab, start):
    lab.put("a.bin", b"zero", commit=True)
    commands = [
        ["deposit", str(lab.file("b.bin", b"b")), "--to", "c", "--no-push"],
        ["modify", "a", "-k", "x=1"],
        ["modify", "a", "-k", "y=2"],
        ["pull", "--offline"],
    ]
    for status, _, said in together(lab, start, *commands):
        assert status == 0, said
    check(lab, "c/a.bin", "c/b.bin")
    assert lab.record("c/a.bin").metadata == {"x": 1, "y": 2}


NAMES = st.sampled_from(["a", "b", "A"])
BRANCHES = st.sampled_from(["main", "one", "two"])


class Branches(RuleBasedStateMachine):
    """Deposits on branches that come and go; each identifier means one content, for ever."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="neurogister-test-"))
        self.lab = Lab(self.folder)
        self.meaning = {}  # of each identifier, without regard to case: the content deposited first
        self.count = 0

    def teardown(self):
        shutil.rmtree(self.folder)

    def git(self, *arguments):
        with suppress(RuntimeError):
            self.lab.git(*arguments)

    def clean(self):
        """Commit what is there, and clear what a merge left."""
        self.git("merge", "--abort")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "work")

    @rule(name=NAMES, folder=st.booleans(), commit=st.booleans())
    def deposit(self, name, folder, commit):
        self.count += 1
        content = b"%d" % self.count
        if folder:
            path = self.lab.folder(f"{self.count}/{name}", {"x": content})
        else:
            path = self.lab.file(f"{self.count}/{name}.bin", content)
        with suppress(NeurogisterError):
            [one] = self.lab.deposit(path, commit=commit).deposited
            assert one.id.casefold() not in self.meaning, "it was given away before"
            self.meaning[one.id.casefold()] = one.md5
            if not commit:  # what git has never seen, nobody can know about afterwards
                self.clean()

    @rule(name=st.sampled_from(["x", "y"]))
    def deposit_with_a_made_up_identifier(self, name):
        self.count += 1
        [one] = self.lab.deposit(
            self.lab.file(f"{name}.bin", b"%d" % self.count), auto_id=True, commit=True
        ).deposited
        assert one.id not in self.meaning
        self.meaning[one.id] = one.md5

    @rule(branch=BRANCHES)
    def switch(self, branch):
        self.clean()
        self.git("switch", "--quiet", "--create", branch)
        self.git("switch", "--quiet", branch)

    @rule(branch=BRANCHES)
    def merge(self, branch):
        self.clean()
        self.git("merge", "--quiet", "--no-edit", branch)
        self.clean()

    @rule(name=NAMES)
    def withdraw(self, name):
        with suppress(NeurogisterError), self.lab.session() as session:
            withdraw(session, [name], "why", commit=True)

    @rule(name=NAMES, to=st.sampled_from(["c/p.bin", "c/q/r.bin", "d/"]))
    def rename(self, name, to):
        with suppress(NeurogisterError), self.lab.session() as session:
            rename(session, name, to, new_collection=True, commit=True)

    @rule(name=NAMES)
    def remove_by_hand(self, name):
        for path in (self.lab.root / "data").rglob(f"{name}*.dvc"):
            path.unlink()
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
        for path in list((self.lab.root / "data").rglob("*.bin")):
            if path.is_dir():  # a folder that was renamed so
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        self.clean()

    @invariant()
    def identifiers_are_unique_and_mean_what_they_meant(self):
        with neurogister.open(self.lab.root) as registry:
            items = [item for item in registry.list() if item.id and not item.error]
        ids = [item.id.casefold() for item in items]
        assert len(ids) == len(set(ids)), ids
        for item in items:
            if item.pointer is not None:
                assert item.pointer.digest == self.meaning[item.id.casefold()]


def test_identifiers_under_any_interleaving(home):
    run_state_machine_as_test(
        Branches,
        settings=settings(
            max_examples=12,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_two_clones_may_give_one_identifier_and_the_merge_shows_it(lab, home, tmp_path):
    """Nobody can know what another clone does; but who merges sees it, and so does a pull."""
    subprocess.run(["git", "clone", "--quiet", lab.root, tmp_path / "clone"], check=True)
    lab.put("a.bin", b"one", commit=True)
    main = lab.root
    lab.root = lab.registry.root = tmp_path / "clone"
    lab.put("a.wav", b"two", commit=True)
    lab.root = lab.registry.root = main
    lab.git("pull", "--quiet", "--no-rebase", "--no-edit", str(tmp_path / "clone"), "main",
            "--strategy-option", "theirs")  # fmt: skip
    with (
        neurogister.open(lab.root) as registry,
        pytest.raises(neurogister.UsageError, match="can mean"),
    ):
        registry["a"]
