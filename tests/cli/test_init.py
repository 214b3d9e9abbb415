"""``neurogister init``."""

import pytest
from tests.factories import make_registry


@pytest.fixture
def who(home, monkeypatch):
    path = home / "gitconfig"
    path.write_text("[user]\n\tname = Somebody\n\temail = somebody@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))


def test_it_says_what_was_made(invoke, who, tmp_path):
    result = invoke("init", "r", "--title", "T", cwd=tmp_path)
    assert result.status == 0
    assert ["new", "registry.yaml", "", ""] in result.rows
    assert {row[0] for row in result.rows} == {"new"}
    made, committed = result.err.splitlines()
    assert made == f"{len(result.rows)} new files"
    assert committed.startswith("committed as ")
    again = invoke("init", cwd=tmp_path / "r")
    assert (again.status, again.out) == (0, "")
    assert again.err == f"{tmp_path / 'r'} is there already: nothing to do\n"


def test_json(invoke, who, tmp_path):
    result = invoke("init", "r", "--json", "-q", cwd=tmp_path)
    assert (result.status, result.err) == (0, "")
    shape = result.json
    assert shape["format"] == "neurogister.init/1"
    assert (shape["path"], shape["name"]) == (str(tmp_path / "r"), "r")
    assert "registry.yaml" in shape["created"] and shape["changed"] is True
    assert (shape["kept"], shape["identifiers"], shape["misfits"]) == ([], [], [])
    assert len(shape["commit"]) == 40


def test_dry_run_ends_with_10_if_there_is_something_to_do(invoke, who, tmp_path):
    assert invoke("init", "r", "--dry-run", cwd=tmp_path).status == 10
    assert not (tmp_path / "r").exists()
    assert invoke("init", "r", "--no-commit", cwd=tmp_path).err.splitlines()[1].startswith("staged")
    assert invoke("init", "r", "-n", cwd=tmp_path).status == 10
    assert invoke("init", "r", cwd=tmp_path).status == 0
    assert invoke("init", "r", "-n", cwd=tmp_path).status == 0


def test_the_folder_may_be_named_as_a_registry_is(invoke, who, tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROGISTER_REGISTRY", str(tmp_path / "other"))
    assert invoke("-C", "r", "init", "-q", cwd=tmp_path).status == 0
    assert (tmp_path / "r/registry.yaml").exists()
    (tmp_path / "here").mkdir()
    assert invoke("init", "-q", cwd=tmp_path / "here").status == 0
    assert (tmp_path / "here/registry.yaml").exists()
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--assign-ids",), 2, "`--assign-ids` is for what is there already"),
        (("r", "--remote", "https://me:hunter2@example.org"), 2, "credentials"),
        (("r", "--name", "a b"), 2, "cannot be called so"),
        (("file",), 2, "is not a folder"),
        (("full",), 7, "say something else than those of a new registry: README.md"),
        (("new", "--adopt"), 3, "is not a git repository"),
        (("-C", "https://example.org/x"), 2, "is a URL"),
    ],
)
def test_errors(invoke, who, tmp_path, arguments, status, said):
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/README.md").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    result = invoke("init", *arguments, cwd=tmp_path)
    assert (result.status, result.out) == (status, "")
    assert said in result.err and "\nhint: " in result.err
    assert "hunter2" not in result.err
    assert sorted(tmp_path.rglob("*")) == before


def test_adopt_reports_what_does_not_fit(invoke, home, tmp_path):
    registry = make_registry(tmp_path / "registry", plain=True)
    registry.add_file("c/a.bin", b"a", record=False)
    registry.commit()
    result = invoke("init", "--adopt", "--assign-ids", "-n", "--json", cwd=registry.root)
    assert result.status == 10
    shape = result.json
    assert [each["pointer"] for each in shape["identifiers"]] == ["data/c/a.bin.dvc"]
    assert {each["rule"] for each in shape["misfits"]} >= {"license", "config"}
    assert all(set(each) == {"path", "rule", "message", "hint"} for each in shape["misfits"])
    result = invoke("init", "--adopt", "--assign-ids", "--commit", cwd=registry.root)
    assert result.status == 0
    assert "committed as" in result.err and "1 identifier" in result.err
    assert invoke("list", "--json", cwd=registry.root).json["items"][0]["id"]
