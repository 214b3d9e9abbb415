"""Packages, vendors, collections and the registry's own file."""

import pytest

from neurogister.errors import InvalidFileError
from neurogister.model.dataset import Collection, Dataset
from neurogister.model.fields import Fields
from neurogister.model.ledger import Version
from neurogister.model.package import Member, PackageFile, Vendor
from neurogister.model.pointer import Pointer
from neurogister.model.record import Record
from neurogister.model.registryinfo import Policy, RegistryInfo


def fields(**mapping):
    return Fields(mapping, "f.yaml")


def test_the_members_of_a_package():
    file = PackageFile.from_fields(
        fields(
            title="Quickstart",
            purpose="First steps",
            members=[
                {"dataset": "mni-t1", "path": "anat/t1.nii.gz"},
                {"dataset": "trk", "part": "trk/a.trk", "path": "a.trk", "version": 2},
            ],
            versions=[{"version": "1.0.0", "md5": f"{'a' * 32}.dir"}],
        )
    )
    assert file.purpose == "First steps"
    assert file.members == (
        Member("mni-t1", "anat/t1.nii.gz"),
        Member("trk", "a.trk", "trk/a.trk", 2),
    )
    assert file.record.title == "Quickstart"
    assert file.record.versions[0].version == "1.0.0"


def test_members_may_be_written_short():
    file = PackageFile.from_fields(fields(members={"mni-t1": "anat/t1.nii.gz"}))
    assert file.members == (Member("mni-t1", "anat/t1.nii.gz"),)


@pytest.mark.parametrize(
    "members",
    [
        "x", ["x"], [{}], [{"dataset": "a"}], [{"path": "a"}], [{"dataset": 1, "path": "a"}],
        [{"dataset": "a", "path": "../a"}], [{"dataset": "a", "path": "/etc/passwd"}],
        [{"dataset": "a", "path": "a/.git/config"}],
        [{"dataset": "a", "path": "a", "part": "../b"}],
        [{"dataset": "a", "path": "a", "version": 1.5}], {"a": "../b"}, {"a": None}, {"a": [1]},
    ],
    ids=str,
)  # fmt: skip
def test_members_that_are_no_members_are_refused(members):
    with pytest.raises(InvalidFileError, match="members"):
        PackageFile.from_fields(fields(members=members))


def test_a_vendor():
    vendor = Vendor.from_fields(
        fields(title="Lab", maintainers=[{"name": "A"}], more=1), name="lab", department=None
    )
    assert (vendor.title, vendor.maintainers, vendor.extra) == (
        "Lab",
        ({"name": "A"},),
        {"more": 1},
    )


def test_a_vendor_in_the_old_style():
    vendor = Vendor.from_fields(
        fields(description="D", packages=["aodf"]), name="v", department="d"
    )
    assert (vendor.description, vendor.department, vendor.packages) == ("D", "d", ())
    with pytest.raises(InvalidFileError, match="packages"):
        Vendor.from_fields(fields(packages=[1]), name="v", department=None)


def test_a_collection():
    collection = Collection.from_fields(
        fields(title="T", license="MIT", authors=["A", {"name": "B"}], keywords=["k"], source=[1]),
        name="c",
    )
    assert collection.license == "MIT"
    assert collection.authors == ("A", {"name": "B"})
    assert collection.extra == {"source": [1]}


def test_a_dataset_tells_what_is_known():
    pointer = Pointer(path="x", md5="a" * 32, size=5)
    record = Record(versions=(Version(version=1), Version(version=2, size=7)), title="T")
    item = Dataset(
        name="x", place="data/x", pointer_path="data/x.dvc", pointer=pointer, record=record
    )
    assert (item.size, item.title, item.version, item.status) == (5, "T", 2, "active")
    assert (item.is_dir, item.path, item.id) == (False, "data/x.dvc", None)
    bare = Dataset(name="x", place="x", error="x.dvc: broken")
    assert (bare.size, bare.title, bare.version, bare.status) == (None, None, None, "broken")
    assert Dataset(name="x", place="x", record=record).size == 7


REGISTRY = {
    "name": "lab",
    "title": "Lab",
    "policy": {
        "identifiers": {"auto": True, "type": "uuid"},
        "digests": ["sha256"],
        "immutable": True,
        "access": {"group": "lab", "umask": "0007"},
        "copies": 3,
        "later": 1,
    },
    "dtypes": {
        "t1w": {"content_type": "x/y", "extensions": ["nii"], "downloadable": True},
        "any": None,
    },
    "archives": {"tape": {"scheme": "tape", "root": "T1:3", "accessibility": "offline"}},
}


def test_the_registry_s_own_file():
    info = RegistryInfo.from_fields(Fields(REGISTRY, "registry.yaml"))
    policy = info.policy
    assert (policy.auto_identifiers, policy.identifier_type) == (True, "uuid")
    assert policy.digests == ("md5", "sha256")
    assert (policy.immutable, policy.copies, policy.extra) == (True, 3, {"later": 1})
    assert (policy.group, policy.umask) == ("lab", 0o007)
    assert info.dtypes["t1w"].downloadable
    assert not info.dtypes["any"].downloadable
    assert info.archives["tape"].accessibility == "offline"


def test_what_is_left_out_has_its_default():
    info = RegistryInfo.from_fields(Fields({}, "registry.yaml"))
    assert info == RegistryInfo()
    assert info.policy == Policy()
    assert (info.policy.digests, info.policy.copies, info.policy.phi) == (
        ("md5", "sha256"),
        2,
        "refuse",
    )
    assert (info.policy.keep_extensions, info.policy.auto_identifiers) == (True, False)


@pytest.mark.parametrize(
    "policy",
    [
        {"phi": "maybe"}, {"copies": -1}, {"copies": True}, {"digests": ["crc32"]},
        {"immutable": 1},
        {"identifiers": {"type": "serial"}}, {"identifiers": []}, {"access": {"umask": "rwx"}},
        {"access": {"umask": "99"}}, {"access": {"umask": 5000}}, {"access": {"umask": True}},
    ],
    ids=str,
)  # fmt: skip
def test_a_policy_that_is_none_is_refused(policy):
    with pytest.raises(InvalidFileError, match="policy"):
        RegistryInfo.from_fields(Fields({"policy": policy}, "registry.yaml"))
