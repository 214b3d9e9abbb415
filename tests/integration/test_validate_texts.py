"""Texts in a submission: nothing that runs, hides, or should be secret."""

import time

import pytest
from tests.factories import make_registry, nifti_bytes
from tests.judging import judge, one, rules


@pytest.fixture
def registry(home, tmp_path):
    made = make_registry(tmp_path / "registry")
    made.add_file("a/t1.nii.gz", nifti_bytes(), id="t1")
    made.add_package("lab/both", [("t1", None, "t1.nii.gz")])
    made.commit("Add data")
    return made


def test_what_scientists_write_passes(registry):
    registry.add_collection(
        "a", title="Ruhe-fMRT, Größe <1 mm (p < 0.05)", contact="jane@example.org",
        keywords=["静息态", "بيانات", "C#"],
        description="See http://example.org.\n\n- one (1)\n- two",
    )  # fmt: skip
    registry.change_record(
        "t1", title="T1, -1.5 T", description="doi:10.1/x", metadata={"tilt": "-1.5", "n": -3}
    )
    assert rules(registry.root, "HEAD") == set()


@pytest.mark.parametrize(
    ("change", "rule", "keys"),
    [
        ({"title": "<b>x</b>"}, "text-markup", "title"),
        ({"metadata": {"note": "[x](javascript:alert(1))"}}, "text-link", "metadata.note"),
        ({"metadata": {"a": {"b": ["ok", "=1+1"]}}}, "text-formula", "metadata.a.b.1"),
        ({"metadata": {"<i>": 1}}, "text-markup", "metadata.<i>"),
        ({"description": "x\n::stop-commands::y"}, "text-command", "description"),
        ({"title": "a\u202eb"}, "text-invisible", "title"),
        ({"metadata": {"k" * 200: 1}}, "text-length", "k"),
        ({"metadata": {"u": "s3://a:bcdef@c"}}, "secret", "metadata.u"),
    ],
)
def test_what_does_harm_is_found_wherever_it_stands(registry, change, rule, keys):
    registry.change_record("t1", **change)
    found = one(judge(registry.root, "HEAD"), rule)
    assert (found.path, found.severity) == ("data/a/t1.nii.gz.dvc", "error")
    assert keys in found.message and found.line is not None


def test_links_are_https(registry):
    registry.add_collection("a", contact="http://example.org", source=[{"url": "ftp://x.org"}])
    found = [each for each in judge(registry.root, "HEAD") if each.rule == "text-link"]
    assert {each.offending for each in found} == {"http://example.org", "ftp://x.org"}


def test_a_secret_in_a_comment_is_found_and_not_repeated(registry):
    path = registry.root / "data/a/collection.yaml"
    token = "ghp_" + "a1" * 18
    path.write_text(path.read_text() + f"# {token}\n")
    found = one(judge(registry.root, "HEAD"), "secret")
    assert found.line == len(path.read_text().splitlines())
    assert token not in str(found.as_mapping())


def test_texts_made_to_be_slow_are_not(registry):
    for text in ("\n" * 60_000, "https://" * 8000, "<" * 60_000, "%0a " * 15_000, "-a" * 30_000):
        registry.add_collection("a", description=text + "x")
        start = time.perf_counter()
        assert "text-length" in rules(registry.root, "HEAD")
        assert time.perf_counter() - start < 10
