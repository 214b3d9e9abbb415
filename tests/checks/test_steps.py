"""What runs the steps of workflows in our tests does so as GitHub would."""

import sys

import pytest
from ruamel.yaml import YAML
from tests.expressions import Expressions
from tests.steps import Runner, StepError, composite, load_steps

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs bash")

CONTEXTS = {
    "inputs": {"a": "x", "empty": "", "yes": "true", "flag": True},
    "steps": {"one": {"outputs": {"cache-hit": "true"}}},
    "matrix": {"list": [1, 2]},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inputs.a", "x"),
        ("inputs.missing", None),
        ("steps.one.outputs.cache-hit == 'true'", True),
        ("steps.two.outputs.cache-hit == 'true'", False),
        ("inputs.a == 'X'", True),
        ("inputs.a != 'x' || inputs.yes == 'true'", True),
        ("inputs.a == 'x' && !(inputs.yes == 'true')", False),
        ("inputs.empty || 'it''s'", "it's"),
        ("inputs.flag == true", True),
        ("matrix.list[1]", 2),
        ("fromJSON('{\"lab/tests\": \"/x\"}')['lab/tests']", "/x"),
        ("contains('abc', 'B')", True),
        ("contains(matrix.list, 2)", True),
        ("contains(matrix.list, 3)", False),
        ("startsWith('refs/tags/v1', 'refs/tags/')", True),
        ("endsWith('a.yml', '.yaml')", False),
        ("format('{1}-{0}', 'a', 2)", "2-a"),
        ("null == 0", True),
        ("'' == 0", True),
        ("'a' == 0", False),
    ],
)
def test_expressions(text, value):
    assert Expressions(CONTEXTS).value(text) == value


@pytest.mark.parametrize("text", ["secret.a", "inputs.a inputs.a", "(inputs.a", "a + b", "what()"])
def test_what_is_not_understood_is_an_error(text):
    with pytest.raises((ValueError, KeyError)):
        Expressions(CONTEXTS).value(text)


def test_texts_are_filled():
    fill = Expressions(CONTEXTS).fill

    assert fill("${{ inputs.a }}-${{inputs.missing}}-${{ inputs.flag }}") == "x--true"
    assert fill(1) == "1"


def run_steps(tmp_path, *steps, env=None, **options):
    """Run steps that are written here; return the runner."""
    document = {
        "env": {"LEVEL": "workflow", "OF": "${{ github.ref }} ${{ github.workspace }}"},
        "defaults": {"run": {"shell": "bash"}},
        "jobs": {"job": {"env": env or {}, "steps": [*steps]}},
    }
    path = tmp_path / "workflow.yml"
    YAML().dump(document, path)
    runner = Runner(tmp_path, tmp_path / "temp", **options)
    runner.run_all(load_steps(path, "job"))
    return runner


def test_steps_tell_each_other_by_files(tmp_path):
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin" / "our-tool"
    tool.write_text("#!/bin/sh\necho tool\n")
    tool.chmod(0o755)
    told = (
        'printf "one=1\\nmany<<END\\na\\nb=c\\nEND\\n" >> "$GITHUB_OUTPUT"\n'
        'echo "KEPT=$RUNNER_OS" >> "$GITHUB_ENV"; echo "$PWD/bin" >> "$GITHUB_PATH"\n'
        'echo "# Summary" >> "$GITHUB_STEP_SUMMARY"'
    )
    runner = run_steps(
        tmp_path, {"id": "first", "run": told},
        {"run": 'echo "$MANY $KEPT"; our-tool', "env": {"MANY": "${{ steps.first.outputs.many }}"}},
    )  # fmt: skip

    assert runner.outputs["first"] == {"one": "1", "many": "a\nb=c"}
    assert runner.done[1].said.startswith("a\nb=c ")
    assert runner.done[1].said.endswith("tool\n")
    assert runner.summary == "# Summary\n"


def test_after_a_failure_only_those_run_that_say_so(tmp_path):
    runner = run_steps(
        tmp_path, {"run": "false | true"}, {"run": "echo no"}, {"if": "'a' == 'a'", "run": "a"},
        {"if": "always()", "run": "echo always"}, {"if": "${{ failure() }}", "run": "exit 3"},
    )  # fmt: skip

    conclusions = [done.conclusion for done in runner.done]
    assert conclusions == ["failure", "skipped", "skipped", "success", "failure"]
    assert [done.status for done in runner.done] == [1, 0, 0, 0, 3]
    assert not runner.succeeded


def test_variables_of_workflow_job_and_step(tmp_path):
    runner = run_steps(
        tmp_path,
        {"run": 'echo "$LEVEL, $OF"; echo LEVEL=changed >> "$GITHUB_ENV"'},
        {"run": 'echo "$LEVEL ${{ env.LEVEL }}"'},
        {"run": 'echo "$LEVEL"', "env": {"LEVEL": "step"}},
        {"run": "pwd", "working-directory": "temp"},
        env={"LEVEL": "job"}, contexts={"github": {"ref": "refs/heads/main"}},
    )  # fmt: skip

    said = [done.said for done in runner.done]
    assert said == [
        f"job, refs/heads/main {tmp_path}\n", "changed changed\n", "step\n", f"{tmp_path}/temp\n",
    ]  # fmt: skip


def test_a_step_that_may_fail(tmp_path):
    runner = run_steps(
        tmp_path, {"id": "it", "run": "exit 4", "continue-on-error": True},
        {"if": "steps.it.outcome == 'failure' && steps.it.conclusion == 'success'", "run": "true"},
    )  # fmt: skip

    assert runner.succeeded
    assert [done.status for done in runner.done] == [4, 0]
    assert runner.done[1].conclusion == "success"


def test_files_have_a_digest(tmp_path):
    runner = run_steps(tmp_path, {"run": "mkdir a; echo 1 > a/x.lock; echo 1 > y.lock"})
    value = runner.expressions().value

    assert value("hashFiles('nothing')") == ""
    assert len(value("hashFiles('**/*.lock')")) == 64
    assert value("hashFiles('**/*.lock')") != value("hashFiles('y.lock')")


def test_an_expression_in_a_command_would_be_run_and_a_variable_is_not(tmp_path):
    """So that a test with hostile inputs can fail."""
    inputs = {"name": "$(touch owned)"}
    run_steps(
        tmp_path, {"run": 'echo "$NAME"', "env": {"NAME": "${{ inputs.name }}"}}, inputs=inputs
    )
    assert not (tmp_path / "owned").exists()

    run_steps(tmp_path, {"run": 'echo "${{ inputs.name }}"'}, inputs=inputs)
    assert (tmp_path / "owned").exists()


def test_an_action_is_run_or_not_known(tmp_path):
    action = tmp_path / "action"
    action.mkdir()
    (action / "action.yml").write_text(
        "inputs: {a: {default: b}}\n"
        "outputs: {said: {value: '${{ steps.say.outputs.said }}'}}\n"
        "runs:\n  using: composite\n  steps:\n    - id: say\n      shell: bash\n"
        "      env: {A: '${{ inputs.a }}'}\n"
        '      run: \'echo "said=$A in $GITHUB_ACTION_PATH" >> "$GITHUB_OUTPUT"; [ "$A" = b ]\'\n'
    )

    def refuse(runner, given):
        raise StepError("refused", 7)

    actions = {"./action": composite(action), "refuse": refuse}
    runner = run_steps(
        tmp_path, {"id": "it", "uses": "./action"}, {"uses": "./action", "with": {"a": "c"}},
        {"uses": "refuse@v1", "if": "failure()"}, actions=actions,
    )  # fmt: skip

    assert runner.outputs["it"] == {"said": f"b in {action}"}
    assert [done.conclusion for done in runner.done] == ["success", "failure", "failure"]
    assert runner.done[2].status == 7
    with pytest.raises(AssertionError, match="what does it do"):
        run_steps(tmp_path, {"uses": "other@v1"})
    with pytest.raises(AssertionError, match="no inputs"):
        run_steps(tmp_path, {"uses": "./action", "with": {"b": "c"}}, actions=actions)
