"""Write the data of the reference registry: pointers, manifests, packages and the remote folder.

The files come from inside these wheels, and from ``make_stimuli.py``::

    pip install nilearn==0.14.1 nibabel==5.4.2 pydicom==3.0.2 ruamel.yaml
    python scripts/build_reference_data.py

What is written is listed in ``reference_contents.py``; licences, authors and sources stand in each
``collection.yaml``, which this script leaves alone. Run again, it writes the same bytes. It adds to
``remote/`` and never deletes there, so that old versions stay.
"""

import csv
import hashlib
import io
import json
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nibabel
from make_stimuli import SAMPLING_RATE_HZ, make_stimuli
from reference_contents import DATASETS, PACKAGES, Dataset, Member, Package, Version
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import FoldedScalarString, SingleQuotedScalarString

ROOT = Path(__file__).resolve().parent.parent
REMOTE = ROOT / "remote"
WHEELS = {"nilearn": "0.14.1", "nibabel": "5.4.2", "pydicom": "3.0.2"}
DATE = "2026-11-21"
FOUNDERS = "neurogister founders"
LARGEST_FILE = 3_000_000
PAGE_WIDTH = 78  # of YAML; DVC folds what is longer than 80


@dataclass(frozen=True)
class File:
    """One file of a dataset or package; `path` is empty for a dataset that is a single file.

    Attributes
    ----------
    size : int
        Bytes.
    md5, sha256 : str
        Digests of the content.
    path : str
        Where it lies in the folder, with ``/``.
    """

    size: int
    md5: str
    sha256: str
    path: str


@dataclass(frozen=True)
class Content:
    """All that one version of a dataset or package consists of.

    Attributes
    ----------
    files : tuple of File
        Sorted by path.
    """

    files: tuple[File, ...]

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, not a single file."""
        return self.files[0].path != ""

    def describe(self) -> dict[str, Any]:
        """Give md5, size, number of files and sha256, as a ledger has them.

        Returns
        -------
        dict
            In the order of the ledger.
        """
        if not self.is_folder:
            (file,) = self.files
            return {"md5": file.md5, "size": file.size, "sha256": file.sha256}
        return {
            "md5": hashlib.md5(self.listing("md5"), usedforsecurity=False).hexdigest() + ".dir",
            "size": sum(file.size for file in self.files),
            "nfiles": len(self.files),
            "sha256": hashlib.sha256(self.listing("sha256")).hexdigest(),
        }

    def listing(self, algorithm: str) -> bytes:
        """List the files as DVC does in a ``.dir`` object.

        Parameters
        ----------
        algorithm : {'md5', 'sha256'}
            Which digest stands beside each path; DVC's own listing has md5.

        Returns
        -------
        bytes
            JSON, byte for byte what DVC writes.
        """
        entries = [
            {algorithm: getattr(file, algorithm), "relpath": file.path} for file in self.files
        ]
        return json.dumps(entries, sort_keys=True).encode()


def main() -> None:
    """Write everything."""
    require_wheels()
    ignored: dict[Path, set[str]] = defaultdict(set)
    contents: dict[str, Content] = {}
    with TemporaryDirectory() as folder:
        make_stimuli(Path(folder))
        for dataset in DATASETS:
            pointer = ROOT / "data" / f"{dataset.path}.dvc"
            contents[dataset.identifier] = write_dataset(pointer, dataset, Path(folder))
            ignored[pointer.parent].add(pointer.stem)
    for package in PACKAGES:
        pointer = ROOT / "store" / f"{package.name}.dvc"
        write_package(pointer, package, contents)
        ignored[pointer.parent].add(pointer.stem)
    for parent, names in ignored.items():
        write_text(parent / ".gitignore", "".join(f"/{name}\n" for name in sorted(names)))


def require_wheels() -> None:
    """Stop unless the wheels are the ones that the digests were made from."""
    for name, version in WHEELS.items():
        try:
            found = distribution(name).version
        except PackageNotFoundError:
            found = "none"
        if found != version:
            wanted = " ".join(f"{name}=={version}" for name, version in WHEELS.items())
            sys.exit(f"{name} is {found}, not {version}. Install first: pip install {wanted}")


def write_dataset(pointer: Path, dataset: Dataset, stimuli: Path) -> Content:
    """Write the objects, the pointer and, for a folder, the manifest of a dataset.

    Parameters
    ----------
    pointer : Path
        The ``.dvc`` file.
    dataset : Dataset
        What it says.
    stimuli : Path
        The folder with the sounds.

    Returns
    -------
    Content
        What its newest version consists of.
    """
    contents = [store_version(version, stimuli) for version in dataset.versions]
    newest = contents[-1]
    ledger = [
        {"version": number, **content.describe(), "date": DATE, "by": FOUNDERS, "note": state.note}
        for number, (content, state) in enumerate(zip(contents, dataset.versions, strict=True), 1)
    ]
    record = {
        "id": dataset.identifier,
        "version": len(ledger),
        "versions": ledger,
        "dtype": dataset.dtype,
        "title": dataset.title,
        "description": dataset.description,
        "license": dataset.license,
        "created_by": FOUNDERS,
        "created_on": DATE,
        "metadata": {**dataset.metadata, **read_metadata(dataset, stimuli)},
        "status": "active",
    }
    write_pointer(pointer, newest, {key: value for key, value in record.items() if value})
    return newest


def store_version(version: Version, stimuli: Path) -> Content:
    """Put the files of one version of a dataset into the remote.

    Parameters
    ----------
    version : Version
        Names the sources.
    stimuli : Path
        The folder with the sounds.

    Returns
    -------
    Content
        What was stored.
    """
    sources = {"": version.source} if isinstance(version.source, str) else version.source
    files = [
        store_file(find_source(source, stimuli), path) for path, source in sorted(sources.items())
    ]
    return store_listing(Content(tuple(files)))


def store_file(source: Path, path: str) -> File:
    """Put one file into the remote.

    Parameters
    ----------
    source : Path
        The file.
    path : str
        Its path in the dataset.

    Returns
    -------
    File
        Its size and digests.
    """
    data = source.read_bytes()
    if len(data) > LARGEST_FILE:
        sys.exit(f"{source.name} has {len(data)} bytes, more than {LARGEST_FILE}: leave it out")
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    write_object(md5, data)
    return File(len(data), md5, hashlib.sha256(data).hexdigest(), path)


def store_listing(content: Content) -> Content:
    """Put the ``.dir`` object of a folder into the remote.

    Parameters
    ----------
    content : Content
        The folder; of a single file, nothing is written.

    Returns
    -------
    Content
        The same.
    """
    if content.is_folder:
        write_object(content.describe()["md5"], content.listing("md5"))
    return content


def find_source(source: str, stimuli: Path) -> Path:
    """Find the file that a source names.

    Parameters
    ----------
    source : str
        ``WHEEL:PATH`` or ``stimuli:PATH``.
    stimuli : Path
        The folder with the sounds.

    Returns
    -------
    Path
        The file.
    """
    origin, path = source.split(":", 1)
    if origin == "stimuli":
        return stimuli / path
    return Path(str(distribution(origin).locate_file(path)))


def read_metadata(dataset: Dataset, stimuli: Path) -> dict[str, Any]:
    """Read what the newest file itself says: shape and voxel size, or the sampling rate.

    Parameters
    ----------
    dataset : Dataset
        The dataset; a folder gives nothing, but for sounds.
    stimuli : Path
        The folder with the sounds.

    Returns
    -------
    dict
        Keys and values for the record.
    """
    if dataset.dtype == "audio":
        return {"sampling_rate_hz": SAMPLING_RATE_HZ, "channels": 1, "bits_per_sample": 16}
    source = dataset.versions[-1].source
    if not isinstance(source, str) or not dataset.path.endswith((".nii", ".nii.gz")):
        return {}
    image = nibabel.load(find_source(source, stimuli))
    assert isinstance(image, nibabel.Nifti1Image)
    voxel_size = image.header["pixdim"][1:4]
    data_type = image.get_data_dtype()  # type: ignore[no-untyped-call]  # nibabel's gap
    return {
        "shape": [int(count) for count in image.shape],
        "voxel_size_mm": [round(float(size), 3) for size in voxel_size],
        "data_type": data_type.name,
    }


def write_package(pointer: Path, package: Package, contents: Mapping[str, Content]) -> None:
    """Write the pointer, the manifest and the description of a package.

    Parameters
    ----------
    pointer : Path
        The ``.dvc`` file.
    package : Package
        What it is made of.
    contents : mapping of str to Content
        The datasets by identifier.
    """
    releases = [store_listing(combine(release.members, contents)) for release in package.releases]
    ledger = [
        {
            "version": SingleQuotedScalarString(release.version),
            **content.describe(),
            "date": DATE,
            "by": FOUNDERS,
            "note": release.note,
        }
        for content, release in zip(releases, package.releases, strict=True)
    ]
    description = {
        "title": package.title,
        "purpose": package.purpose,
        "description": package.description,
        "license": package.license,
        "members": [describe_member(member) for member in package.releases[-1].members],
        "versions": ledger,
    }
    schema = "../" * len(pointer.relative_to(ROOT).parent.parts) + "schemas/package.schema.json"
    write_text(
        pointer.with_suffix(".yaml"),
        f"# yaml-language-server: $schema={schema}\n{to_yaml(description)}",
    )
    write_pointer(pointer, releases[-1], {"version": package.releases[-1].version})


def combine(members: Iterable[Member], contents: Mapping[str, Content]) -> Content:
    """Make the content of a package from its members' digests, without reading data.

    Parameters
    ----------
    members : iterable of Member
        What goes where.
    contents : mapping of str to Content
        The datasets by identifier.

    Returns
    -------
    Content
        The package.
    """
    files = [
        File(file.size, file.md5, file.sha256, place(file.path, member))
        for member in members
        for file in contents[member.dataset].files
        if is_part(file.path, member.part)
    ]
    return Content(tuple(sorted(files, key=lambda file: file.path)))


def is_part(path: str, part: str | None) -> bool:
    """Tell whether a file of a dataset belongs to a part of it.

    Parameters
    ----------
    path : str
        The file's path in the dataset.
    part : str, optional
        A file or folder in the dataset; without it, everything belongs.

    Returns
    -------
    bool
        True if it does.
    """
    return part is None or path == part or path.startswith(f"{part}/")


def place(path: str, member: Member) -> str:
    """Say where a file of a member is put in the package.

    Parameters
    ----------
    path : str
        The file's path in the dataset, empty for a dataset that is a single file.
    member : Member
        The member that it belongs to.

    Returns
    -------
    str
        Its path in the package.
    """
    inside = path if member.part is None else path.removeprefix(member.part).removeprefix("/")
    return f"{member.path}/{inside}" if inside else member.path


def describe_member(member: Member) -> dict[str, str]:
    """Write a member as ``PACKAGE.yaml`` has it.

    Parameters
    ----------
    member : Member
        The member.

    Returns
    -------
    dict
        Dataset, part if it has one, and path.
    """
    part = {"part": member.part} if member.part else {}
    return {"dataset": member.dataset, **part, "path": member.path}


def write_pointer(pointer: Path, content: Content, record: Mapping[str, Any]) -> None:
    """Write a ``.dvc`` file and, for a folder, its manifest.

    Parameters
    ----------
    pointer : Path
        The ``.dvc`` file.
    content : Content
        What it points to.
    record : mapping
        Our block in it.
    """
    out = content.describe()
    del out["sha256"]
    out |= {"hash": "md5", "path": pointer.stem}
    write_text(pointer, to_yaml({"outs": [out], "meta": {"neurogister": record}}))
    if content.is_folder:
        write_manifest(pointer.with_suffix(".manifest.csv"), content.files)


def write_manifest(path: Path, files: Sequence[File]) -> None:
    """Write one row for each file: size, md5, sha256, path.

    Parameters
    ----------
    path : Path
        The CSV file.
    files : sequence of File
        Sorted by path.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("size", "md5", "sha256", "path"))
    rows.writerows((file.size, file.md5, file.sha256, file.path) for file in files)
    write_text(path, text.getvalue())


def write_object(digest: str, data: bytes) -> None:
    """Put bytes where DVC looks for them in a remote.

    Parameters
    ----------
    digest : str
        The md5, with ``.dir`` behind it for a listing.
    data : bytes
        The bytes.
    """
    path = REMOTE / "files" / "md5" / digest[:2] / digest[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o644)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8 with plain line ends, on every system.

    Parameters
    ----------
    path : Path
        The file; its folder is made if it is missing.
    text : str
        What it holds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def to_yaml(value: Mapping[str, Any]) -> str:
    """Write a value as YAML, so that DVC keeps every byte when it writes the pointer again.

    Parameters
    ----------
    value : mapping
        What to write.

    Returns
    -------
    str
        The text: lists of plain values on one line, texts folded that would leave the page.
    """
    text = io.StringIO()
    YAML().dump(_styled(value, column=0), text)
    return text.getvalue()


def _styled(value: Any, *, column: int) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _styled(item, column=column + (len(key) + 2 if isinstance(item, str) else 2))
            for key, item in value.items()
        }
    if isinstance(value, list):
        items = CommentedSeq(_styled(item, column=column) for item in value)
        if not any(isinstance(item, dict) for item in value):
            items.fa.set_flow_style()
        return items
    if isinstance(value, str) and column + len(value) > PAGE_WIDTH:
        return _folded(value)
    return value


def _folded(value: str) -> FoldedScalarString:
    lines = textwrap.wrap(value, PAGE_WIDTH, break_long_words=False, break_on_hyphens=False)
    starts = accumulate(len(line) + 1 for line in lines[:-1])
    folded: FoldedScalarString = FoldedScalarString(" ".join(lines))
    folded.fold_pos = [start - 1 for start in starts]  # type: ignore[attr-defined]  # ruamel reads it
    return folded


if __name__ == "__main__":
    main()
