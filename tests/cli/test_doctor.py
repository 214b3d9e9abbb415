"""``neurogister doctor``."""

import pytest
from tests.factories import make_registry


def findings(result):
    return {shape["check"]: shape for shape in result.json_lines}


CHECKS = [
    "python",
    "git",
    "dvc",
    "user cache",
    "registry",
    "contents",
    "dvc configuration",
    "cache",
    "links",
    "remote storage",
]


@pytest.fixture
def sound(tmp_path):
    registry = make_registry(tmp_path / "registry", objects=tmp_path / "registry/remote")
    registry.remote_url("../remote")
    registry.add_file("a/one.wav", b"1")
    registry.commit()
    return registry


def test_all_is_well_in_a_registry(invoke, sound):
    result = invoke("doctor", "--json", cwd=sound.root)
    assert result.status == 0
    found = result.json_lines
    assert {shape["format"] for shape in found} == {"neurogister.doctor/1"}
    assert [(shape["check"], shape["status"]) for shape in found] == [
        (check, "ok") for check in CHECKS
    ]
    assert findings(result)["contents"]["detail"] == "1 datasets and packages"
    assert findings(result)["remote storage"]["detail"] == f"{sound.objects} answers"


def test_prints_a_line_for_each_check(invoke, sound):
    result = invoke("doctor", cwd=sound.root)
    assert (result.status, len(result.lines)) == (0, len(CHECKS))
    assert result.lines[-1] == f"ok       remote storage     {sound.objects} answers"
    assert all(line.startswith("ok       ") for line in result.lines)


def test_a_warning_is_no_problem(invoke, shared):
    result = invoke("doctor", cwd=shared.root)
    assert result.status == 0
    (warning,) = [line for line in result.lines if line.startswith("warning")]
    assert "which others may not have" in warning


def test_outside_of_a_registry_the_machine_is_checked(invoke, tmp_path):
    result = invoke("doctor", cwd=tmp_path)
    assert result.status == 0
    assert result.lines[-2].startswith("warning  registry ")
    assert "-C PATH" in result.lines[-1]
    named = invoke("doctor", "-C", tmp_path / "nothing", cwd=tmp_path)
    assert named.status == 1
    assert named.lines[-2].startswith("problem  registry ")


def test_problems_end_with_1_and_say_what_to_do(invoke, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.write("data/a/broken.wav.dvc", "outs: 1\n")
    registry.write("registry.yaml", "name: [\n")
    registry.remote_url("http://127.0.0.1:9/store")
    registry.commit()
    result = invoke("doctor", "--json", cwd=registry.root)
    assert result.status == 1
    problems = [shape for shape in result.json_lines if shape["status"] == "problem"]
    assert [shape["check"] for shape in problems] == ["contents", "contents", "remote storage"]
    assert problems[0]["detail"].startswith("data/a/broken.wav.dvc:1")
    assert problems[0]["hint"] == "Mend data/a/broken.wav.dvc."
    assert problems[1]["detail"].startswith("registry.yaml:")
    assert "127.0.0.1:9" in problems[2]["detail"]
    offline = findings(invoke("doctor", "--json", "--offline", cwd=registry.root))
    assert offline["remote storage"]["status"] == "skipped"


def test_a_cache_that_cannot_be_written_is_a_problem(invoke, shared, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NEUROGISTER_CACHE", str(tmp_path / "file/cache"))
    result = invoke("doctor", "--json", cwd=shared.root)
    assert result.status == 1
    cache = findings(result)["user cache"]
    assert cache["status"] == "problem"
    assert cache["detail"] == f"{tmp_path / 'file/cache'} cannot be written"
    assert "NEUROGISTER_CACHE" in cache["hint"]
