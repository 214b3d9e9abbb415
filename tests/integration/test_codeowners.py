"""CODEOWNERS is made from what vendors say, and from nothing that could mean more."""

import pytest
from tests.factories import make_registry, to_yaml

import neurogister
from neurogister.actions.codeowners import BEGIN, END, PATH


@pytest.fixture
def builder(home, tmp_path):
    return make_registry(tmp_path / "registry")


@pytest.fixture
def registry(builder):
    builder.add_file("c/one.bin", b"one", id="one")
    for name, maintainers in {
        "lab": [{"name": "Ada", "github": "ada"}, {"name": "T", "github": "org/team"}],
        "physics/optics": [{"name": "Nobody", "email": "n@example.org"}],
        "hostile": [{"name": "X", "github": "x\n* @evil"}, {"name": "Y", "github": "* @evil"}],
        "odd [a]": [{"name": "Z", "github": "z"}],
    }.items():
        builder.write(
            f"store/{name}/vendor.yaml", to_yaml({"title": name, "maintainers": maintainers})
        )
    builder.commit()
    with neurogister.open(builder.root) as opened:
        yield opened


def test_only_the_block_is_replaced_and_only_once(builder, registry):
    mine = "* @org/all\n\n# mine\n"
    builder.write(PATH, mine)
    first = registry.write_codeowners(commit=True)
    assert first.lines == ("/store/lab/ @ada @org/team",)
    assert first.without == ("store/hostile", "store/odd [a]", "store/physics/optics")
    text = (builder.root / PATH).read_text()
    assert text == f"{mine}\n{BEGIN}\n/store/lab/ @ada @org/team\n{END}\n"
    assert first.commit == builder.git("rev-parse", "HEAD").strip()

    below = f"{text}/store/**/vendor.yaml @org/all\n"
    builder.write(PATH, below)
    assert registry.write_codeowners().changed is False
    builder.write("store/lab/vendor.yaml", to_yaml({"title": "l", "maintainers": []}))
    assert registry.write_codeowners().changed is True
    assert (builder.root / PATH).read_text() == below.replace("/store/lab/ @ada @org/team\n", "")


def test_without_a_file_there_is_one_afterwards(builder, registry):
    registry.write_codeowners()
    text = (builder.root / PATH).read_text()
    assert text.startswith("# Who is asked")
    assert "@evil" not in text
    assert PATH in builder.git("diff", "--cached", "--name-only")


def test_check_and_dry_run_change_nothing(builder, registry):
    assert registry.write_codeowners(dry_run=True).changed
    with pytest.raises(neurogister.NeurogisterError, match="does not say"):
        registry.write_codeowners(check=True)
    assert not (builder.root / PATH).exists()
    registry.write_codeowners()
    assert registry.write_codeowners(check=True).changed is False


def test_a_registry_without_vendors_needs_no_file(builder):
    builder.add_file("c/one.bin", b"one", id="one")
    builder.commit()
    with neurogister.open(builder.root) as registry:
        assert registry.write_codeowners(check=True).changed is False
        assert registry.write_codeowners().changed is False
    assert not (builder.root / ".github").exists()


@pytest.mark.parametrize("text", [f"{BEGIN}\n", f"{END}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n" * 2])
def test_lines_that_are_not_one_of_each_are_refused(builder, registry, text):
    builder.write(PATH, text)
    with pytest.raises(neurogister.InvalidFileError, match="one of each"):
        registry.write_codeowners()
    assert (builder.root / PATH).read_text() == text


def test_a_link_is_not_written_through(builder, registry, tmp_path):
    target = tmp_path / "elsewhere"
    target.write_text("untouched\n")
    (builder.root / ".github").mkdir()
    (builder.root / PATH).symlink_to(target)
    with pytest.raises(neurogister.RefusedError):
        registry.write_codeowners()
    assert target.read_text() == "untouched\n"
