"""``neurogister validate``: its summary for reviewers."""


def test_the_summary_is_written_whole_and_says_what_is_wrong_too(invoke, registry, tmp_path):
    (registry.root / "data/mni152/x.dvc").write_text("cmd: rm\n")
    page = tmp_path / "summary.md"
    page.write_text("before")

    result = invoke("validate", "--base", "HEAD", "--summary", page, cwd=registry.root)

    assert result.status == 1
    text = page.read_text()
    assert text.startswith("## neurogister: problems found (files checked: 1)\n")
    assert "### Datasets: 1 added" in text
    assert "x&#46;dvc" in text


def test_a_summary_that_cannot_be_written_is_an_error(invoke, registry, tmp_path):
    result = invoke("validate", "--summary", tmp_path / "no" / "x.md", cwd=registry.root)
    assert result.status == 1
    assert "x.md" in result.err
    assert "Traceback" not in result.err
