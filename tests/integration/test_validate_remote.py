"""Bytes of a submission: in the main remote or in staging, of the right size and content."""

import json

import pytest
from tests.dicoms import dicom_bytes, patient
from tests.factories import digest_file, make_registry, nifti_bytes
from tests.judging import judge, one
from tests.servers import FAST, http_server, s3_server

FILES = {"a.txt": b"one", "sub/b.txt": b"three", "sub/c.txt": b"one"}


@pytest.fixture
def registry(home, tmp_path):
    made = make_registry(tmp_path / "registry")
    made.add_file("a/t1.nii.gz", nifti_bytes(), id="t1")
    made.add_folder("a/many", FILES, id="many")
    made.add_package("lab/both", [("t1", None, "t1.nii.gz"), ("many", None, "many")])
    made.commit("Add data")
    return made


def remote(registry, base=None, **options):
    """Validate with the remote; only what is about bytes."""
    about = {"remote-missing", "remote-differs", "identifying-header", "not-judged"}
    found = judge(registry.root, base, remote=True, **options)
    return [each for each in found if each.rule in about]


def object_of(registry, data: bytes):
    return registry.object_path(digest_file(data))


def change(path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def test_what_is_all_there_is_silent(registry):
    assert remote(registry) == []
    registry.add_file("a/t2.nii.gz", nifti_bytes(seed=2), id="t2")
    assert remote(registry, "HEAD") == []


def test_without_the_option_nobody_is_asked(registry):
    object_of(registry, b"one").unlink()
    assert not [each for each in judge(registry.root) if each.rule.startswith("remote")]


def test_a_missing_file_is_found_wherever_it_is_used(registry):
    object_of(registry, b"three").unlink()
    found = remote(registry)
    assert {(each.rule, each.path, each.offending) for each in found} == {
        ("remote-missing", "data/a/many.dvc", "sub/b.txt"),
        ("remote-missing", "store/lab/both.dvc", "many/sub/b.txt"),
    }


def test_only_what_is_new_is_asked_for(registry):
    object_of(registry, b"three").unlink()
    registry.add_file("a/t2.nii.gz", nifti_bytes(seed=2), id="t2", push=False)
    assert [each.path for each in remote(registry, "HEAD")] == ["data/a/t2.nii.gz.dvc"]


def test_another_size_in_the_remote_is_found(registry):
    change(object_of(registry, nifti_bytes()), b"short")
    found = remote(registry)
    assert {(each.rule, each.path) for each in found} >= {
        ("remote-differs", "data/a/t1.nii.gz.dvc")
    }


def test_a_missing_or_false_listing_is_found(registry):
    listing = registry.object_path(registry.find("a/many").digests)
    good = listing.read_bytes()
    change(listing, good[:-1] + b" ]")
    assert one([x for x in remote(registry) if "data" in x.path], "remote-differs")
    listing.unlink()
    assert one([x for x in remote(registry) if "data" in x.path], "remote-missing")


def test_a_manifest_that_is_not_of_the_listing_is_found(registry):
    path = registry.root / "data/a/many.manifest.csv"
    path.write_text(path.read_text().replace("a.txt", "x.txt"))
    found = [each for each in remote(registry) if each.rule == "remote-differs"]
    assert [each.path for each in found] == ["data/a/many.manifest.csv"]
    assert "a.txt is not in the manifest" in found[0].message


def test_a_listing_that_climbs_is_refused_by_its_rules(registry):
    rows = [{"md5": digest_file(b"one").md5, "relpath": "../../x"}]
    data = json.dumps(rows).encode()
    digests = digest_file(data)
    target = registry.objects / "files/md5" / digests.md5[:2] / f"{digests.md5[2:]}.dir"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    registry.write(
        "data/a/evil.dvc",
        f"outs:\n- md5: {digests.md5}.dir\n  size: 3\n  nfiles: 1\n  hash: md5\n  path: evil\n",
    )
    found = one(remote(registry, "HEAD"), "remote-differs")
    assert "../../x" in found.message and "would leave its folder" in found.message


def test_staging_is_read_and_never_trusted(registry, tmp_path):
    data = nifti_bytes(seed=2)
    registry.add_file("a/t2.nii.gz", data, id="t2", push=False)
    staging = tmp_path / "staging"
    registry.set_config({"'remote \"staging\"'": {"url": str(staging)}})
    registry.git("commit", "-qm", "Staging", ".dvc/config")
    assert one(remote(registry, "HEAD"), "remote-missing")
    target = staging / digest_file(data).key
    target.parent.mkdir(parents=True)
    target.write_bytes(data)
    assert remote(registry, "HEAD", staging="staging") == []
    target.write_bytes(data[:-1] + b"!")  # of the right size
    found = one(remote(registry, "HEAD", staging="staging"), "remote-differs")
    assert "md5" in found.message


def test_staging_may_be_what_registry_yaml_says(registry, tmp_path):
    data = nifti_bytes(seed=2)
    staging = tmp_path / "staging"
    registry.set_config({"'remote \"wait\"'": {"url": str(staging)}})
    text = (registry.root / "registry.yaml").read_text()
    registry.write("registry.yaml", text + "submissions:\n  staging: wait\n")
    registry.commit("Say where submissions wait")
    registry.add_file("a/t2.nii.gz", data, id="t2", push=False)
    target = staging / digest_file(data).key
    target.parent.mkdir(parents=True)
    target.write_bytes(data)
    assert remote(registry, "HEAD") == []


def test_s3_is_asked(home, tmp_path):
    with s3_server(tmp_path / "s3", options=FAST) as server:
        objects = server.bucket("data")
        registry = make_registry(tmp_path / "registry", objects=objects, url="s3://data")
        registry.remote_url("s3://data", server.dvc_options)
        registry.add_file("a/t1.nii.gz", nifti_bytes(), id="t1")
        registry.add_folder("a/many", FILES, id="many")
        registry.commit("Add data")
        assert remote(registry) == []
        registry.add_file("a/t2.nii.gz", nifti_bytes(seed=2), id="t2", push=False)
        change(object_of(registry, nifti_bytes()), b"short")
        rules = {(each.rule, each.path) for each in remote(registry)}
    assert rules == {
        ("remote-missing", "data/a/t2.nii.gz.dvc"),
        ("remote-differs", "data/a/t1.nii.gz.dvc"),
    }


def test_http_is_asked_and_what_cannot_be_reached_is_not_judged(home, tmp_path, monkeypatch):
    objects = tmp_path / "objects"
    objects.mkdir()
    with http_server(objects) as server:
        registry = make_registry(tmp_path / "registry", objects=objects, url=server.dvc_url)
        registry.add_file("a/t1.nii.gz", nifti_bytes(), id="t1")
        registry.commit("Add data")
        assert remote(registry) == []
    monkeypatch.setenv("NEUROGISTER_RETRIES", "0")
    (found,) = remote(registry)
    assert (found.rule, found.severity) == ("not-judged", "unjudged")


def test_the_command_ends_with_2_if_it_cannot_judge(registry, run):
    registry.set_config({"core": {"remote": "nowhere"}})
    registry.git("commit", "-qam", "Break it")
    done = run("validate", "--remote", cwd=registry.root)
    assert done.returncode == 2, done.stdout
    assert "[not-judged]" in done.stdout


def test_a_contributor_who_moves_the_remote_is_not_asked_there(registry, tmp_path):
    registry.set_config({"'remote \"storage\"'": {"url": str(tmp_path / "evil")}})
    registry.add_file("a/t2.nii.gz", nifti_bytes(seed=2), id="t2")
    found = remote(registry, "HEAD")
    assert [(each.rule, each.path) for each in found] == [("not-judged", ".dvc/config")]


def test_headers_in_the_remote_are_looked_into(registry):
    data = dicom_bytes(*patient())
    registry.add_file("a/scan", data, id="scan")
    registry.add_folder("b/scans", {"1": data, "2.txt": b"x"}, id="scans")
    found = remote(registry, "HEAD")
    assert {(each.path, each.rule, each.severity) for each in found} == {
        ("data/a/scan.dvc", "identifying-header", "error"),
        ("data/b/scans.dvc", "identifying-header", "error"),
    }
    assert all("PatientName" in each.message and "Jane" not in each.message for each in found)
    registry.add_collection("a", phi={"status": "cleared", "reason": "A phantom."})
    found = remote(registry, "HEAD", scope="maintainer")
    assert [each.path for each in found] == ["data/b/scans.dvc"]
