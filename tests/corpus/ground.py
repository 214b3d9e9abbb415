"""The registry that all submissions are made to: small, with something of everything."""

from pathlib import Path

from tests.factories import (
    RegistryBuilder,
    digest_file,
    dwi_files,
    make_registry,
    nifti_bytes,
    to_yaml,
)

WORKFLOW = "on: push\njobs: {}\n"


def make_ground(root: Path) -> RegistryBuilder:
    """Make it: datasets of all kinds, packages of two vendors, a tombstone, and some history."""
    registry = make_registry(root)
    registry.write(".github/workflows/ci.yml", WORKFLOW)
    registry.write(".github/CODEOWNERS", "* @neurogister\n")
    registry.write("README.md", "# A registry\n")
    registry.write(".gitattributes", "* text=auto\n")
    registry.add_file("c/a.bin", b"a\n", id="a-one")
    registry.add_file("c/b.bin", b"b\n", id="b-two")
    registry.add_file("c/t1.nii.gz", nifti_bytes(), id="mni-t1", dtype="t1w", title="T1")
    registry.add_folder("c/dwi", dwi_files(), id="dwi-one")
    registry.add_file("plain/old.bin", b"old\n", record=False)
    registry.add_file("c/once.bin", b"once\n", id="once-here")
    registry.commit("Add data", tag="start")
    registry.add_file("c/later.bin", b"later\n", id="taken-meanwhile")
    registry.new_version("c/b.bin", b"b, better\n", note="better")
    registry.git("rm", "--quiet", "--cached", "data/c/once.bin.dvc")
    (root / "data/c/once.bin.dvc").unlink()
    _tombstone(registry)
    registry.commit("A second version; one thing gone, one withdrawn")
    registry.add_vendor("acme", maintainers=[{"name": "Ada", "github": "ada"}])
    registry.add_vendor("lab/beta", maintainers=[{"name": "Bob", "github": "bob"}])
    registry.add_package("acme/tests", ["a-one", ("dwi-one", "dwi.bval", "bvals")])
    registry.add_package("lab/beta/course", ["mni-t1"])
    registry.commit("Add packages")
    registry.add_package("acme/tests", ["a-one", "b-two"], version="1.1.0", note="more")
    registry.commit("Release again")
    return registry


def _tombstone(registry: RegistryBuilder) -> None:
    digests = digest_file(b"gone\n")
    version = {"version": 1, "md5": digests.md5, "size": digests.size, "sha256": digests.sha256,
               "date": "2024-01-01", "by": "Test Author"}  # fmt: skip
    record = {
        "id": "gone-for-good", "version": 1, "versions": [version], "dtype": "any",
        "status": "withdrawn",
        "withdrawn": {"date": "2024-01-01", "by": "Test Author", "reason": "consent"},
    }  # fmt: skip
    registry.write("data/c/gone.bin.yaml", to_yaml(record))
