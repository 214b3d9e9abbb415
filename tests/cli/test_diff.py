"""``neurogister diff``."""


def test_tells_files_that_were_added_removed_and_changed(invoke, registry):
    result = invoke("diff", "dwi1@1", "dwi1@2", cwd=registry.root)
    size = str(registry.find("dwi1").digests.files["dwi.nii.gz"].size)
    assert result.status == 0
    assert [row[:2] for row in result.rows] == [
        ["+", "extra/other.txt"],
        ["-", "extra/note.txt"],
        ["~", "dwi.bvec"],
        ["~", "dwi.nii.gz"],
    ]
    assert [row[2:] for row in result.rows[:3]] == [["", "8"], ["7", ""], ["24", "24"]]
    assert result.rows[3][3] == size
    assert result.err == "1 added, 1 removed, 2 changed, 2 the same\n"


def test_without_version_it_is_the_present_one(invoke, shared):
    first, second = shared.find("mni-T1").record["versions"]
    result = invoke("diff", "mni-T1@1", "mni-T1", "--json", cwd=shared.root)
    assert result.json == {
        "format": "neurogister.diff/1",
        "before": "mni152/t1.nii.gz@1",
        "after": "mni152/t1.nii.gz",
        "changes": [
            {
                "change": "changed",
                "path": "t1.nii.gz",
                "before": {"md5": first["md5"], "size": first["size"]},
                "after": {"md5": second["md5"], "size": second["size"]},
            }
        ],
        "same": 0,
    }
    same = invoke("diff", "mni-T1@2", "mni-T1", cwd=shared.root)
    assert (same.out, same.err) == ("", "0 added, 0 removed, 0 changed, 1 the same\n")


def test_packages_are_compared_by_path(invoke, registry):
    result = invoke("diff", "lab/tests@1.0.0", "lab/tests@1.1.0", cwd=registry.root)
    assert [row[:2] for row in result.rows] == [
        *[["+", f"dwi/{name}"] for name in sorted(registry.find("dwi1").digests.files)],
        ["-", "bvals"],
        ["~", "t1.nii.gz"],
    ]


def test_two_datasets_are_not_two_versions(invoke, shared):
    result = invoke("diff", "mni-T1", "mni-t2", cwd=shared.root)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(
        "error: mni152/t1.nii.gz and mni152/t2.nii.gz are not versions of one dataset\n"
    )
    assert invoke("diff", "mni152/*", "mni-T1", cwd=shared.root).status == 2
    assert invoke("diff", "mni-T1@1", "mni-T1@9", cwd=shared.root).status == 3
    assert invoke("diff", "mni-T1@1", cwd=shared.root).status == 2


def test_without_network_an_unknown_listing_is_not_guessed(invoke, registry):
    result = invoke("diff", "lab/tests@1.0.0", "lab/tests", "--offline", cwd=registry.root)
    assert (result.status, result.out) == (9, "")
    assert result.err.splitlines()[-1] == "hint: Run it once without `--offline`."
