"""``neurogister vendor``."""

import pytest
from tests.factories import make_registry

LINE = (
    "# yaml-language-server: $schema="
    "https://neurogister.github.io/neurogister/schemas/vendor.schema.json\n"
)


@pytest.fixture
def root(home, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/one.bin", b"1", id="one")
    registry.add_package("lab/tests", ["one"])
    registry.commit()
    return registry.root


def test_add_writes_a_file_and_says_where(invoke, root):
    result = invoke(
        "vendor", "add", "optics", "--department", "physics", "--title", "Optics: lab",
        "--description", "What we see.", "--maintainer", "Ada L <ada@example.org>",
        "--maintainer", "Team <@org/team>", "--maintainer", "Nobody", cwd=root,
    )  # fmt: skip
    assert (result.status, result.out) == (0, "store/physics/optics\n")
    assert (root / "store/physics/optics/vendor.yaml").read_text() == (
        f"{LINE}title: 'Optics: lab'\ndescription: What we see.\nmaintainers:\n"
        "- name: Ada L\n  email: ada@example.org\n- name: Team\n  github: org/team\n"
        "- name: Nobody\n"
    )
    assert invoke("vendor", "list", cwd=root).rows == [
        ["lab", "", "1", "lab"], ["optics", "physics", "0", "Optics: lab"],
    ]  # fmt: skip
    listed = invoke("vendor", "list", "--json", cwd=root).json
    assert listed == invoke("list", "--vendors", "--json", cwd=root).json


def test_without_a_word_it_is_who_adds_it(invoke, root):
    assert invoke("vendor", "add", "optics", "--commit", cwd=root).status == 0
    text = (root / "store/optics/vendor.yaml").read_text()
    assert text.startswith(f"{LINE}title: optics\nmaintainers:\n- name: ")
    assert invoke("vendor", "add", "x1", "--dry-run", cwd=root).status == 10
    assert not (root / "store/x1").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("add", "LAB"), 7, "there is a vendor lab already, in store/lab"),
        (("add", "a b"), 2, "'a b' cannot be the name of a vendor"),
        (("add", "x", "--department", "lab"), 7, "lab is a vendor"),
        (("add", "x", "--maintainer", "<a@b>"), 2, "'<a@b>' is no maintainer"),
        (("add", "x", "--title", "<b>X</b>"), 2, "title"),
        (("move", "labs", "--department", "x"), 3, "there is no vendor 'labs'"),
        (("move", "lab", "--department", "../x"), 2, "cannot be the name of a department"),
    ],
)
def test_what_cannot_be_is_told(invoke, root, arguments, status, said):
    result = invoke("vendor", *arguments, cwd=root)
    assert (result.status, result.out) == (status, "")
    assert said in result.err.splitlines()[0]


def test_move_there_and_back(invoke, root):
    planned = invoke("vendor", "move", "lab", "--department", "physics", "-n", cwd=root)
    assert (planned.status, planned.out) == (10, "store/physics/lab\n")
    moved = invoke("vendor", "move", "lab", "--department", "physics", "--json", cwd=root)
    assert moved.json == {
        "format": "neurogister.vendor/1", "name": "lab", "department": "physics",
        "path": "store/physics/lab", "before": "store/lab", "changed": True,
    }  # fmt: skip
    assert invoke("info", "lab/tests", cwd=root).status == 0
    again = invoke("vendor", "move", "lab", "--department", "physics", cwd=root)
    assert (again.status, again.err) == (0, "lab is there already\n")
    back = invoke("vendor", "move", "physics/lab", "--department", "", "--commit", cwd=root)
    assert (back.status, back.out) == (0, "store/lab\n")
    assert (root / "store/lab/tests.dvc").is_file()


def test_the_comment_that_names_the_schema_leads_there_from_the_new_place(invoke, root):
    path = root / "store/lab/vendor.yaml"
    line = "# yaml-language-server: $schema=../../schemas/vendor.schema.json\n"
    path.write_text(line + path.read_text())
    invoke("vendor", "move", "lab", "--department", "physics", cwd=root)
    moved = (root / "store/physics/lab/vendor.yaml").read_text()
    assert moved.startswith("# yaml-language-server: $schema=../../../schemas/vendor")
    invoke("vendor", "move", "lab", "--department", "", cwd=root)
    assert path.read_text().startswith(line)


def test_codeowners_writes_what_vendors_say(invoke, root):
    invoke("vendor", "add", "optics", "--maintainer", "Ada <@ada>", "--commit", cwd=root)
    line = "/store/optics/ @ada"
    dry = invoke("vendor", "codeowners", "--dry-run", cwd=root)
    assert (dry.status, dry.lines) == (10, [line])
    stale = invoke("vendor", "codeowners", "--check", cwd=root)
    assert stale.status == 1
    assert "hint: `neurogister vendor codeowners` mends it." in stale.err
    assert not (root / ".github").exists()

    done = invoke("vendor", "codeowners", "--commit", cwd=root)

    assert (done.status, done.lines) == (0, [line])
    assert "store/lab has no maintainer with an account on GitHub" in done.err
    assert line in (root / ".github/CODEOWNERS").read_text().splitlines()
    assert invoke("vendor", "codeowners", "--check", cwd=root).status == 0
    assert invoke("vendor", "codeowners", "--dry-run", "--json", cwd=root).json == {
        "format": "neurogister.codeowners/1", "path": ".github/CODEOWNERS", "lines": [line],
        "without": ["store/lab"], "changed": False,
    }  # fmt: skip
