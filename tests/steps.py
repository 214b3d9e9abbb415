"""Steps of workflows and composite actions, run here exactly as the YAML has them.

::

    runner = Runner(workspace, inputs={"names": "mni-T1"}, action=folder_of_the_action)
    done = runner.run_all(load_steps(folder_of_the_action / "action.yml"))
    assert runner.succeeded, done[-1].said

A ``run:`` is run by the shell that GitHub takes, with the files that GitHub gives it
(``GITHUB_OUTPUT``, ``GITHUB_ENV``, ``GITHUB_PATH``, ``GITHUB_STEP_SUMMARY``), and an ``if:`` is
obeyed. What a ``uses:`` names is not fetched from anywhere: it must be among the runner's
``actions``, where `composite` stands for one whose steps are here.
"""

import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from ruamel.yaml import YAML
from tests.expressions import Expressions

_SHELLS = {
    None: ("bash", "-e"),
    "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail"),
    "sh": ("sh", "-e"),
}
_SYSTEMS = {"Linux": "Linux", "Darwin": "macOS", "Windows": "Windows"}


@dataclass(frozen=True)
class Step:
    """A step as the YAML has it."""

    name: str
    id: str | None = None
    condition: str = "success()"
    run: str | None = None
    uses: str | None = None
    shell: str | None = None
    folder: str = ""
    env: Mapping[str, Any] = field(default_factory=dict)
    above: Mapping[str, Any] = field(default_factory=dict)
    """The ``env:`` of its workflow and job."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """What is behind ``with:``."""
    may_fail: bool = False

    @classmethod
    def parse(
        cls,
        step: Mapping[str, Any],
        defaults: Mapping[str, Any],
        above: Mapping[str, Any] | None = None,
    ) -> Self:
        """Read a step; `defaults` are those for ``run``, and `above` is ``env:``, of its job."""
        condition = str(step.get("if", "success()"))
        if not re.search(r"\b(success|failure|always|cancelled)\s*\(", condition):
            condition = f"success() && ({condition.strip().removeprefix('${{').removesuffix('}}')})"
        return cls(
            name=str(step.get("name") or step.get("id") or step.get("uses") or step.get("run")),
            id=step.get("id"),
            condition=condition,
            run=step.get("run"),
            uses=step.get("uses"),
            shell=step.get("shell", defaults.get("shell")),
            folder=str(step.get("working-directory", defaults.get("working-directory", ""))),
            env=step.get("env", {}),
            above=above or {},
            given=step.get("with", {}),
            may_fail=step.get("continue-on-error", False) is True,
        )


@dataclass
class Done:
    """What became of a step."""

    step: Step
    outcome: str
    """success, failure or skipped."""
    status: int = 0
    said: str = ""
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def conclusion(self) -> str:
        """The outcome, but success if the step may fail."""
        forgiven = self.step.may_fail and self.outcome == "failure"
        return "success" if forgiven else self.outcome


class StepError(Exception):
    """An action failed; with what it said, and its exit status."""

    def __init__(self, said: str, status: int = 1) -> None:
        super().__init__(said)
        self.status = status


Action = Callable[["Runner", dict[str, str]], dict[str, str]]
"""What a ``uses:`` does: it takes the runner and what is behind ``with:``; returns outputs."""


def load(path: Path) -> dict[str, Any]:
    """Read a workflow or an action."""
    loaded: dict[str, Any] = YAML(typ="safe").load(path)
    return loaded


def load_steps(path: Path, job: str | None = None) -> list[Step]:
    """Return the steps of a composite action, or of a job of a workflow."""
    document = load(path)
    place = document["runs"] if job is None else document["jobs"][job]
    defaults = document.get("defaults", {}).get("run", {})
    defaults = defaults | place.get("defaults", {}).get("run", {})
    above = document.get("env", {}) | place.get("env", {})
    return [Step.parse(each, defaults, above) for each in place["steps"]]


class Runner:
    """A machine that runs steps.

    Parameters
    ----------
    workspace : Path
        The folder that they start in.
    temp : Path
        A folder for the files of the runner.
    inputs : mapping
        The inputs.
    environment : mapping
        Variables, beside those of this process.
    actions : mapping
        What each ``uses:`` does, by its name without ``@…``.
    action : Path, optional
        The folder of the action, if the steps are those of one.
    contexts : mapping
        More of what expressions may name, as ``{"matrix": {"python": "3.11"}, "github": {"ref":
        "refs/heads/main"}}``.
    """

    def __init__(
        self,
        workspace: Path,
        temp: Path,
        *,
        inputs: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        actions: Mapping[str, Action] | None = None,
        action: Path | None = None,
        contexts: Mapping[str, Any] | None = None,
    ) -> None:
        self.workspace = workspace
        self.temp = temp
        self.inputs = dict(inputs or {})
        self.environment = dict(environment or {})
        self.actions = dict(actions or {})
        self.action = action
        self.contexts = dict(contexts or {})
        self.path: list[str] = []
        self.summary = ""
        self.done: list[Done] = []
        temp.mkdir(parents=True, exist_ok=True)

    @property
    def succeeded(self) -> bool:
        """Whether no step has failed."""
        return all(done.conclusion != "failure" for done in self.done)

    @property
    def said(self) -> str:
        """What all steps said."""
        return "".join(f"== {done.step.name}: {done.conclusion}\n{done.said}" for done in self.done)

    @property
    def outputs(self) -> dict[str, dict[str, str]]:
        """The outputs of each step that has an id."""
        return {done.step.id: done.outputs for done in self.done if done.step.id}

    def run_all(self, steps: Sequence[Step]) -> list[Done]:
        """Run steps in their order; after one that failed, only those whose ``if:`` says so."""
        return [self.run(step) for step in steps]

    def run(self, step: Step) -> Done:
        """Run a step."""
        if not self.expressions(step).holds(step.condition):
            done = Done(step, "skipped")
        elif step.uses is not None:
            done = self._use(step)
        else:
            done = self._run(step)
        self.done.append(done)
        return done

    def expressions(self, step: Step | None = None) -> Expressions:
        """Return what evaluates expressions as things stand, for a step."""
        steps = {
            done.step.id: {
                "outputs": done.outputs, "outcome": done.outcome, "conclusion": done.conclusion,
            }
            for done in self.done
            if done.step.id
        }  # fmt: skip
        contexts: dict[str, Any] = {
            "inputs": self.inputs,
            "steps": steps,
            "env": {**(step.above if step else {}), **self.environment},
            "runner": {"os": self._variables["RUNNER_OS"], "temp": str(self.temp)},
            "github": {"workspace": str(self.workspace), "action_path": str(self.action or "")},
        }
        functions = {
            "success": lambda: self.succeeded,
            "failure": lambda: not self.succeeded,
            "always": lambda: True,
            "cancelled": lambda: False,
            "hashfiles": self._hash_files,
        }
        for name, more in self.contexts.items():
            contexts[name] = contexts.get(name, {}) | more
        return Expressions(contexts, functions)

    def _hash_files(self, *patterns: str) -> str:
        """As at GitHub: nothing if there are none, and other digests for other content."""
        paths = {path for pattern in patterns for path in self.workspace.glob(pattern)}
        files = sorted(path for path in paths if path.is_file())
        if not files:
            return ""
        digests = [hashlib.sha256(path.read_bytes()).digest() for path in files]
        return hashlib.sha256(b"".join(digests)).hexdigest()

    @property
    def _variables(self) -> dict[str, str]:
        variables = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_OS": _SYSTEMS[platform.system()],
            "RUNNER_TEMP": str(self.temp),
        }
        return variables | ({"GITHUB_ACTION_PATH": str(self.action)} if self.action else {})

    def _use(self, step: Step) -> Done:
        assert step.uses is not None
        name = step.uses.partition("@")[0]
        assert name in self.actions, f"{name}: what does it do?"
        fill = self.expressions(step).fill
        given = {key: fill(value) for key, value in step.given.items()}
        try:
            return Done(step, "success", outputs=self.actions[name](self, given))
        except StepError as error:
            return Done(step, "failure", error.status, str(error))

    def _run(self, step: Step) -> Done:
        assert step.run is not None
        fill = self.expressions(step).fill
        files = {
            name: self.temp / f"step-{len(self.done)}-{name.lower()}"
            for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
        }
        for path in files.values():
            path.write_bytes(b"")
        script = self.temp / f"step-{len(self.done)}.sh"
        script.write_text(fill(step.run), encoding="utf-8", newline="\n")
        environment = os.environ | self._variables
        environment |= {name: fill(value) for name, value in step.above.items()}
        environment |= self.environment
        environment["PATH"] = os.pathsep.join([*reversed(self.path), environment["PATH"]])
        environment |= {name: fill(value) for name, value in step.env.items()}
        environment |= {name: str(path) for name, path in files.items()}
        ended = subprocess.run(
            [*_SHELLS[step.shell], str(script)],
            cwd=self.workspace / fill(step.folder),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=240,
            check=False,
        )
        read = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
        self.environment |= _read_values(read["GITHUB_ENV"])
        self.path += read["GITHUB_PATH"].splitlines()
        self.summary += read["GITHUB_STEP_SUMMARY"]
        outcome = "failure" if ended.returncode else "success"
        outputs = _read_values(read["GITHUB_OUTPUT"])
        return Done(step, outcome, ended.returncode, ended.stdout, outputs)


def _read_values(text: str) -> dict[str, str]:
    """Read ``name=value`` lines, and values of several lines between ``name<<END`` and ``END``."""
    values: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if found := re.fullmatch(r"([^=]+?)<<(.+)", line):
            within: list[str] = []
            for each in lines:
                if each == found[2]:
                    break
                within.append(each)
            values[found[1]] = "\n".join(within)
        else:
            name, sign, value = line.partition("=")
            assert sign, f"no output: {line!r}"
            values[name] = value
    return values


def composite(folder: Path) -> Action:
    """Return what runs the steps of a composite action."""

    def use(outer: Runner, given: dict[str, str]) -> dict[str, str]:
        document = load(folder / "action.yml")
        declared = document.get("inputs", {})
        unknown = given.keys() - declared.keys()
        assert not unknown, f"the action has no inputs {unknown}"
        inputs = {name: str(each.get("default", "")) for name, each in declared.items()} | given
        inner = Runner(
            outer.workspace, outer.temp / f"action-{len(outer.done)}", inputs=inputs,
            environment=outer.environment, actions=outer.actions, action=folder,
        )  # fmt: skip
        inner.path = [*outer.path]
        inner.run_all(load_steps(folder / "action.yml"))
        outer.environment, outer.path = inner.environment, inner.path
        outer.summary += inner.summary
        if not inner.succeeded:
            failed = next(done for done in inner.done if done.conclusion == "failure")
            raise StepError(inner.said, failed.status)
        fill = inner.expressions().fill
        return {name: fill(each["value"]) for name, each in document.get("outputs", {}).items()}

    return use
