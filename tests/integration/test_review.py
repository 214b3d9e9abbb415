"""The workflow that validates pull requests, its steps run as the YAML has them.

What is hostile here tries to get run: every trick leaves a file behind if it works.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import command
from tests.servers import run_git
from tests.steps import Runner, load, load_steps

REPOSITORY = Path(__file__).parents[2]
WORKFLOWS = REPOSITORY / ".github" / "workflows"
ZEROS = "0" * 40
COMMAND = re.compile(r"::(error|warning) (file=[^\s:,]+,)?[^:]*title=neurogister%3A [a-z-]+::")

pytestmark = [
    pytest.mark.skipif(not WORKFLOWS.is_dir(), reason="an sdist has no workflows"),
    pytest.mark.skipif(
        (sys.version_info[:2], sys.platform, platform.machine()) != ((3, 11), "linux", "x86_64"),
        reason="its requirements are for the Python and the system that it runs on",
    ),
]


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """A bare repository with what is in this tree now."""
    tree = tmp_path_factory.mktemp("hub") / "tree"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPOSITORY / name, tree / name)
    run_git("init", "--quiet", "--initial-branch=main", str(tree))
    run_git("-C", str(tree), "add", "--all", "--force")
    run_git("-C", str(tree), *WHO, "commit", "--quiet", "--message=Everything")
    run_git("clone", "--quiet", "--bare", str(tree), f"{tree}.git")
    return Path(f"{tree}.git")


@pytest.fixture(scope="module")
def installed(published, tmp_path_factory) -> Path:
    """The temporary folder of a runner on which the step that installs was run, as it is."""
    temp = tmp_path_factory.mktemp("runner")
    hub = Hub(published, temp / "unused")
    runner = hub.runner(temp / "_temp", "push", before=ZEROS)
    for step in load_steps(WORKFLOWS / "validate.yml", "validate")[:4]:
        assert runner.run(step).outcome == "success", runner.said
    assert runner.done[-1].step.name == "Install neurogister"
    return temp / "_temp"


WHO = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
Change = Callable[[Path], None]


@dataclass
class Hub:
    """GitHub: a repository, its pull requests, and runners that check it out."""

    server: Path
    folder: Path
    sha: str = "main"

    def branch(self, name: str, *changes: Change, start: str = "main") -> str:
        """Make a branch with a commit for each change; return the last one."""
        clone = self.folder / f"work-{len(list(self.folder.glob('work-*')))}"
        # A fork does not know what others have on their branches.
        run_git("clone", "--quiet", "--single-branch", "-b", "main", str(self.server), str(clone))
        run_git("-C", str(clone), "checkout", "--quiet", "-B", "work", start)
        for change in changes:
            change(clone)
            run_git("-C", str(clone), "add", "--all")
            run_git("-C", str(clone), *WHO, "commit", "--quiet", "--allow-empty", "--message=x")
        run_git("-C", str(clone), "push", "--quiet", "origin", f"HEAD:refs/heads/{name}")
        return run_git("-C", str(clone), "rev-parse", "HEAD").strip()

    def merge(self, *commits: str, into: str = "main") -> str:
        """Merge as GitHub does for a pull request, or for a group of them."""
        clone = self.folder / f"merge-{len(list(self.folder.glob('merge-*')))}"
        run_git("clone", "--quiet", str(self.server), str(clone))
        run_git("-C", str(clone), "checkout", "--quiet", "--detach", f"origin/{into}")
        for commit in commits:
            run_git("-C", str(clone), *WHO, "merge", "--quiet", "--no-ff", "-m", "Merge", commit)
        sha = run_git("-C", str(clone), "rev-parse", "HEAD").strip()
        run_git("-C", str(clone), "push", "--quiet", "origin", f"HEAD:refs/merge/{sha}")
        return sha

    def tip(self, branch: str = "main") -> str:
        return run_git("-C", str(self.server), "rev-parse", branch).strip()

    def runner(self, temp: Path, kind: str, **event: Any) -> Runner:
        """Return a machine on which an event has started a workflow."""
        workspace = self.folder / "workspace" / "registry"
        workspace.mkdir(parents=True)
        ref = "refs/heads/main"
        github = {"event_name": kind, "sha": self.sha, "ref": ref, "event": event}
        scripts = sysconfig.get_path("scripts")
        return Runner(
            workspace, temp,
            environment={"PATH": os.pathsep.join([scripts, os.environ["PATH"]])},
            actions={
                "actions/checkout": self._check_out,
                "actions/setup-python": lambda runner, given: {},
            },
            contexts={"github": github, "vars": {}},
        )  # fmt: skip

    def _check_out(self, runner: Runner, given: dict[str, str]) -> dict[str, str]:
        assert given["persist-credentials"] == "false"
        folder = runner.workspace / given["path"]
        run_git("clone", "--quiet", "--no-checkout", str(self.server), str(folder))
        run_git("-C", str(folder), "fetch", "--quiet", "origin", "+refs/*:refs/remotes/all/*")
        commit = given.get("ref") or self.sha
        run_git("-C", str(folder), "checkout", "--quiet", "--detach", commit)
        return {}


@pytest.fixture
def hub(published, home, tmp_path) -> Hub:
    folder = tmp_path / "hub"
    folder.mkdir()
    run_git("clone", "--quiet", "--bare", str(published), str(folder / "server.git"))
    return Hub(folder / "server.git", folder)


def run_job(runner: Runner, workflow: str, job: str) -> Runner:
    """Run all steps of a job but the one that installs, which was run already."""
    steps = load_steps(WORKFLOWS / workflow, job)
    runner.run_all([step for step in steps if step.name != "Install neurogister"])
    return runner


def pull_request(
    hub: Hub, temp: Path, *commits: str, login: str = "ada", author: str = "NONE", **more: Any
) -> Runner:
    hub.sha = hub.merge(*commits)
    event = {
        "base": {"sha": hub.tip(), "ref": "main"}, "user": {"login": login},
        "author_association": author, **more,
    }  # fmt: skip
    return run_job(hub.runner(temp, "pull_request", pull_request=event), "validate.yml", "validate")


def deposit(name: str, *options: str, collection: str = "stimuli") -> Change:
    """Return what deposits a sound, as somebody with a fork does."""

    def change(folder: Path) -> None:
        file = folder.parent / f"{name}.wav"
        file.write_bytes(name.encode() * 100)
        run = [*command("deposit"), str(file), "--to", collection, "--dtype", "audio"]
        push = () if "--push" in options else ("--no-push",)
        subprocess.run([*run, *push, *options], cwd=folder, check=True, capture_output=True)

    return change


def write(files: dict[str, str]) -> Change:
    def change(folder: Path) -> None:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    return change


def workflow_commands(runner: Runner) -> list[str]:
    """Return what GitHub would obey in the output of the steps."""
    lines = [line for done in runner.done for line in done.said.splitlines()]
    return [line for line in lines if line.lstrip().startswith(("::", "##["))]


def test_a_sound_pull_request_is_accepted_and_told_of(hub, installed):
    commit = hub.branch("submission", deposit("river", "--title", "A @river|bank"))

    runner = pull_request(hub, installed, commit)

    assert runner.succeeded, runner.said
    assert workflow_commands(runner) == []
    assert runner.summary.startswith("## neurogister: valid (files checked: 2)\n")
    assert "### Datasets: 1 added" in runner.summary
    assert "| <code>river</code> |" in runner.summary
    assert "CC0&#45;1&#46;0" in runner.summary, "the licence of its collection"
    assert "A &#64;&#8204;river&#124;bank" in runner.summary


def test_what_is_wrong_is_annotated(hub, installed):
    commit = hub.branch("submission", deposit("river", "--title", "<b>River"))

    runner = pull_request(hub, installed, commit)

    [failed] = [done for done in runner.done if done.outcome == "failure"]
    assert (failed.step.name, failed.status) == ("Validate", 1)
    said, *_ = workflow_commands(runner)
    assert said.startswith("::error file=data/stimuli/river.wav.dvc,line=")
    assert "title=neurogister%3A schema::" in said
    assert "| error | schema | 1 |" in runner.summary


def test_what_contributors_may_not_touch_beside_data(hub, installed):
    both = (deposit("river"), write({"notes/plan.txt": "x"}))
    commit = hub.branch("submission", *both)
    assert not pull_request(hub, installed, commit).succeeded


def test_members_may_change_data_and_code_together(hub, installed):
    commit = hub.branch("submission", deposit("river"), write({"notes/plan.txt": "x"}))
    runner = pull_request(hub, installed, commit, author="MEMBER")
    assert runner.succeeded, runner.said


def test_code_alone_is_for_the_owners_of_the_code(hub, installed):
    runner = pull_request(hub, installed, hub.branch("code", write({"src/more.py": "x = 1\n"})))
    assert runner.succeeded, runner.said


@pytest.mark.parametrize(
    "login", ["eve", "$(touch {pwned})", "--base=HEAD", "a\n::set-env name=A::b"]
)
def test_nothing_hostile_is_run_or_obeyed(hub, installed, tmp_path, login):
    pwned = tmp_path / "pwned"
    code = f"import pathlib; pathlib.Path({str(pwned)!r}).touch()\n"
    pip = "[global]\nindex-url = https://example.invalid/\nno-index = true\n"
    tricks = {
        **dict.fromkeys(
            ("sitecustomize.py", "usercustomize.py", "neurogister/__init__.py", "conftest.py",
             "neurogister/__main__.py", "yaml.py", "typer/__init__.py", "setup.py", "pip.py",
             "src/neurogister/__init__.py", "src/neurogister/cli/__init__.py"), code,
        ),
        **dict.fromkeys(("pip.conf", ".config/pip/pip.conf", "pip/pip.conf"), pip),
        "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'conftest'\n"
        "backend-path = ['.']\n",
        "neurogister.toml": "registry = 'https://example.invalid/'\n",
        ".github/requirements/dependencies.txt": "evil\n",
        ".github/workflows/validate.yml": "on: pull_request_target\n",
        ".gitattributes": "* filter=evil diff=evil merge=evil\n",
        ".dvc/config": "[core]\n    remote = evil\n    hydra.plugins_path = .\n",
        f"data/stimuli/$(touch {pwned.name}).dvc": "outs: []\n",
        "data/stimuli/`touch x`;touch y.yaml": "id: x\n",
        "data/stimuli/a\n::set-env name=PATH::b.dvc": "outs: []\n",
        "data/stimuli/--upload-pack=x.dvc": "cmd: touch pwned\n",
        "data/stimuli/|@org%0A::error::.dvc": "outs: [\n",
    }  # fmt: skip
    commit = hub.branch("$(touch${IFS}pwned)", deposit("river"), write(tricks))
    before = dict(os.environ)

    runner = pull_request(
        hub, installed, commit, login=login.format(pwned=pwned),
        title=f"$(touch {pwned}) `touch {pwned}`\n::set-env name=A::b",
    )  # fmt: skip

    [failed] = [done for done in runner.done if done.outcome == "failure"]
    assert (failed.step.name, failed.status) == ("Validate", 1), runner.said
    assert "Traceback" not in runner.said
    assert [line for line in workflow_commands(runner) if not COMMAND.match(line)] == []
    assert len(workflow_commands(runner)) > 10
    assert not list(tmp_path.rglob("pwned")), "nothing was run"
    assert not [path for path in runner.workspace.rglob("pwned*") if ".dvc" not in path.name]
    assert runner.environment.keys() == {"PATH"}, "nothing was set for later steps"
    assert runner.path == []
    assert dict(os.environ) == before
    assert "@org" not in runner.summary


def test_two_that_are_each_fine_are_rejected_together(hub, installed):
    one = hub.branch("one", deposit("first", "--id", "same-name"))
    two = hub.branch("two", deposit("second", "--id", "Same-Name", collection="mni152"))
    for number, commit in enumerate((one, two)):
        each = Hub(hub.server, hub.folder / f"{number}")
        each.folder.mkdir()
        assert pull_request(each, installed, commit).succeeded

    for number, base in enumerate((hub.tip(), hub.merge(one))):
        group = Hub(hub.server, hub.folder / f"group-{number}", hub.merge(one, two))
        event = {"base_sha": base, "head_sha": group.sha}
        if number:  # behind the other one in the queue: that one's group is its base
            run_git("-C", str(hub.server), "update-ref", "refs/heads/queue", base)
            group.folder.mkdir()
            group.sha = group.merge(two, into="queue")
        runner = run_job(
            group.runner(installed, "merge_group", merge_group=event), "validate.yml", "validate"
        )
        assert runner.done[-2].status == 1, runner.said
        assert "same-name" in runner.said.casefold()
        assert "neurogister%3A id-" in "".join(workflow_commands(runner))


def test_main_is_validated_after_a_merge(hub, installed):
    before = hub.tip()
    commit = hub.branch("submission", deposit("river"))
    hub.sha = hub.merge(commit)
    runner = run_job(hub.runner(installed, "push", before=before), "validate.yml", "validate")
    assert runner.succeeded, runner.said
    assert runner.done[-1].step.name == "CODEOWNERS says what vendors say"
    assert runner.done[-1].outcome == "success"


@pytest.mark.parametrize("first", [False, True])
def test_main_is_told_when_something_wrong_has_got_there(hub, installed, first):
    before = ZEROS if first else hub.tip()
    hub.sha = hub.branch("wrong", write({"data/stimuli/x.dvc": "cmd: rm\n"}))
    runner = run_job(hub.runner(installed, "push", before=before), "validate.yml", "validate")
    assert not runner.succeeded
    assert "file=data/stimuli/x.dvc" in runner.said


def test_main_is_told_when_codeowners_are_out_of_date(hub, installed):
    before = hub.tip()
    vendor = "title: New\nmaintainers:\n- name: Eve\n  github: eve\n"
    hub.sha = hub.branch("vendor", write({"store/new-lab/vendor.yaml": vendor}))
    runner = run_job(hub.runner(installed, "push", before=before), "validate.yml", "validate")
    assert [done.outcome for done in runner.done[-2:]] == ["success", "failure"], runner.said
    assert "neurogister vendor codeowners" in runner.said


def test_the_weekly_check_reads_every_byte(hub, installed):
    hub.sha = hub.tip()
    runner = run_job(hub.runner(installed, "schedule"), "archive-check.yml", "archive")
    assert runner.succeeded, runner.said

    spoilt = hub.branch("spoilt", _spoil)
    hub.sha, hub.folder = spoilt, hub.folder / "again"
    runner = run_job(hub.runner(installed, "schedule"), "archive-check.yml", "archive")
    assert runner.done[-1].status == 4, runner.said


@pytest.mark.parametrize(("push", "status"), [("--push", 0), ("--no-push", 3)])
def test_a_merged_submission_is_promoted_by_the_role_only(hub, installed, push, status):
    before = hub.tip()
    hub.sha = hub.branch("merged", deposit("river", push))
    runner = hub.runner(installed, "push", before=before)
    roles, kept = [], []
    runner.contexts["vars"] = {"PROMOTE_ROLE": "arn:aws:iam::1:role/p", "PROMOTE_REGION": "r"}
    runner.actions["aws-actions/configure-aws-credentials"] = lambda _, given: (
        roles.append(given["role-to-assume"]) or {}
    )
    runner.actions["actions/upload-artifact"] = lambda _, given: kept.append(given["path"]) or {}
    run_job(runner, "promote.yml", "promote")
    done = {each.step.name: each for each in runner.done}
    assert done["Validate again, before anything is privileged"].status == 0, runner.said
    assert roles == ["arn:aws:iam::1:role/p"]
    assert done["Promote, and read back what was stored"].status == status, runner.said
    assert kept == [str(installed / "promoted.jsonl")], "the log is kept in any case"


def test_what_is_wrong_on_main_gets_no_role(hub, installed):
    before = hub.tip()
    hub.sha = hub.branch("wrong", write({"data/stimuli/x.dvc": "cmd: rm\n"}))
    runner = hub.runner(installed, "push", before=before)
    runner.actions["actions/upload-artifact"] = lambda runner, given: {}
    run_job(runner, "promote.yml", "promote")
    outcomes = {each.step.name: each.outcome for each in runner.done}
    assert outcomes["Take the role that may write the main remote"] == "skipped"
    assert outcomes["Promote, and read back what was stored"] == "skipped"


def _spoil(folder: Path) -> None:
    path = min((folder / "remote" / "files" / "md5").glob("*/*"))
    path.chmod(0o644)
    path.write_bytes(bytes(path.stat().st_size))


def test_what_is_not_run_here_is_only_what_installs():
    for name in ("validate.yml", "archive-check.yml", "promote.yml"):
        [job] = load(WORKFLOWS / name)["jobs"].values()
        names = [step["name"] for step in job["steps"]]
        assert names.count("Install neurogister") == 1
