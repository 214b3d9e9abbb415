"""Zip archives by file name, from a lockfile."""

from dataclasses import replace

import pytest

from neurogister.actions.zipnames import zip_archives
from neurogister.errors import RefusedError
from neurogister.model.listing import Entry
from neurogister.model.locked import Locked, LockedRegistry, Lockfile
from neurogister.model.zips import Zip

URL = "https://example.org/registry.git"
A, B = "a" * 32, "b" * 32


def lockfile(*locked: Locked) -> Lockfile:
    return Lockfile(registries=(LockedRegistry(url=URL),), locked=locked)


def test_archives_are_found_among_datasets_and_in_folders():
    found = zip_archives(
        lockfile(
            Locked(name="legacy/stats.zip", registry=URL, md5=B),
            Locked(name="mni152/t1.nii.gz", registry=URL, md5=A),
            Locked(
                name="scilpy/tests",
                kind="package",
                registry=URL,
                md5=f"{A}.dir",
                files=(Entry("sub/bundles.zip", A), Entry("README", B), Entry("x.ZIP", B)),
            ),
        )
    )

    assert list(found.items()) == [("bundles.zip", A), ("stats.zip", B), ("x.ZIP", B)]


def test_without_archives_there_are_none():
    assert zip_archives(lockfile()) == {}


def test_one_archive_in_two_places_is_one():
    one, two = (Locked(name=f"{where}/a.zip", registry=URL, md5=A) for where in "xy")

    assert zip_archives(lockfile(one, two)) == {"a.zip": A}


def test_one_name_for_two_archives_is_an_error_that_names_both():
    one, two = (Locked(name=f"{md5[0]}/x.zip", registry=URL, md5=md5, version=2) for md5 in (A, B))

    with pytest.raises(RefusedError, match=r"x\.zip is b+ in b/x\.zip@2, and a+ in a/x\.zip@2"):
        zip_archives(lockfile(one, two))


def test_a_package_that_is_an_archive_is_that_one_but_no_part_of_it():
    whole = Locked(
        name="lab/b0", kind="package", registry=URL, md5=f"{A}.dir", files=(Entry("in.zip", A),),
        zip=Zip(name="b0.zip", md5=B),
    )  # fmt: skip

    assert zip_archives(lockfile(whole)) == {"b0.zip": B}
    assert zip_archives(lockfile(replace(whole, part="in.zip"))) == {"in.zip": A}
