"""Small true-to-life data and registries, made fast and the same each time.

The formats are written here from their descriptions, not with the code under test, so that a
mistake there cannot hide. No dvc process runs: pointers and objects are written directly.

    registry = make_registry(tmp_path / "registry")
    t1 = registry.add_file("mni152/t1.nii.gz", nifti_bytes(), id="mni-t1")
    registry.add_folder("sub-01/dwi", dwi_files())
    registry.add_package("vendor/package", ["mni-t1", ("sub-01/dwi", "dwi.bval", "bvals")])
    commit = registry.commit("Add data")
"""

import binascii
import csv
import hashlib
import io
import json
import math
import random
import re
import struct
import wave
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from tests.servers import run_git

FIRST_COMMIT = 1_704_067_200  # 2024-01-01, one commit a minute


def nifti_bytes(shape: Sequence[int] = (8, 8, 8), seed: int = 0, *, compress: bool = True) -> bytes:
    """Return a valid NIfTI-1 image of 16-bit integers, 1 mm, aligned with the scanner."""
    values = bytearray(random.Random(seed).randbytes(2 * math.prod(shape)))
    values[1::2] = values[1::2].translate(bytes(value & 15 for value in range(256)))
    image = _nifti_header(shape) + bytes(4) + bytes(values)
    return gzip_bytes(image) if compress else image


def nifti(path: Path, shape: Sequence[int] = (8, 8, 8), seed: int = 0) -> Path:
    """Write a NIfTI-1 image, compressed if the name ends with ``.gz``."""
    return _write(path, nifti_bytes(shape, seed, compress=path.name.endswith(".gz")))


def _nifti_header(shape: Sequence[int]) -> bytes:
    header = bytearray(348)
    unused = [1] * (7 - len(shape))
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, len(shape), *shape, *unused)
    struct.pack_into("<2h", header, 70, 4, 16)  # int16
    struct.pack_into("<8f", header, 76, *[1.0] * 8)  # voxel sizes
    struct.pack_into("<3f", header, 108, 352.0, 1.0, 0.0)  # offset of the data, slope, intercept
    struct.pack_into("<B", header, 123, 10)  # mm, s
    struct.pack_into("<80s", header, 148, b"neurogister test image")
    struct.pack_into("<2h", header, 252, 0, 1)  # the affine below is scanner anatomical
    for row in range(3):
        affine = [float(column == row) for column in range(3)]
        struct.pack_into("<4f", header, 280 + 16 * row, *affine, -shape[row] / 2)
    struct.pack_into("<4s", header, 344, b"n+1\0")
    return bytes(header)


def wav_bytes(seconds: float = 0.1, seed: int = 0, *, rate: int = 8000, channels: int = 1) -> bytes:
    """Return a recording: a tone with noise, 16 bits."""
    noise, frames = random.Random(seed), int(seconds * rate)
    values = [
        int(8000 * math.sin(2 * math.pi * 440 * frame / rate) + noise.randrange(-500, 500))
        for frame in range(frames)
        for _ in range(channels)
    ]
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(struct.pack(f"<{len(values)}h", *values))
    return stream.getvalue()


def wav(path: Path, seconds: float = 0.1, seed: int = 0, *, rate: int = 8000) -> Path:
    """Write a recording."""
    return _write(path, wav_bytes(seconds, seed, rate=rate))


def random_bytes(size: int, seed: int = 0) -> bytes:
    """Return bytes that no one can compress."""
    return random.Random(seed).randbytes(size)


def random_files(
    count: int, *, smallest: int = 0, largest: int = 2000, seed: int = 0, folder: str = ""
) -> dict[str, bytes]:
    """Return files of random sizes, fifty to a folder."""
    sizes = random.Random(seed)
    names = (f"{folder}part-{n // 50:03}/file-{n:05}.bin" for n in range(count))
    return {
        name: random_bytes(sizes.randint(smallest, largest), seed * 1_000_003 + n)
        for n, name in enumerate(names)
    }


def dwi_files(volumes: int = 4, seed: int = 0, *, stem: str = "dwi") -> dict[str, bytes]:
    """Return a diffusion acquisition: image, b-values, directions, and a sidecar."""
    directions = [random.Random(seed + n).choice("xyz") for n in range(volumes)]
    rows = [" ".join(str(int(axis == d)) for d in directions) for axis in "xyz"]
    sidecar = {"Modality": "MR", "RepetitionTime": 2.5, "EchoTime": 0.08}
    return {
        f"{stem}.nii.gz": nifti_bytes((6, 6, 4, volumes), seed),
        f"{stem}.bval": (" ".join(["0"] + ["1000"] * (volumes - 1)) + "\n").encode(),
        f"{stem}.bvec": ("\n".join(rows) + "\n").encode(),
        f"{stem}.json": (json.dumps(sidecar, indent=2) + "\n").encode(),
    }


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, data in files.items():
        _write(folder / name, data)
    return folder


def gzip_bytes(data: bytes) -> bytes:
    """Compress without a name, a time or a system: equal data, equal bytes."""
    packer = zlib.compressobj(wbits=-15)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    tail = struct.pack("<2I", binascii.crc32(data), len(data) & 0xFFFFFFFF)
    return head + packer.compress(data) + packer.flush() + tail


def _write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _write_text(path: Path, text: str) -> Path:
    return _write(path, text.encode("utf-8"))


@dataclass(frozen=True)
class Digests:
    """What a pointer says of some bytes; of a folder, ``md5`` ends with ``.dir``."""

    md5: str
    sha256: str
    size: int
    nfiles: int | None = None
    files: Mapping[str, "Digests"] = field(default_factory=dict, repr=False)
    """Of a folder: each file."""
    legacy: bool = False
    """In DVC 2 form: other place in the remote, line ends of text folded."""

    @property
    def key(self) -> str:
        """The place of the object in a remote or a DVC cache."""
        short = f"{self.md5[:2]}/{self.md5[2:]}"
        return short if self.legacy else f"files/md5/{short}"


def digest_file(data: bytes, *, legacy: bool = False) -> Digests:
    """Return the digests of a file."""
    md5 = hashlib.md5(_fold(data) if legacy else data, usedforsecurity=False).hexdigest()
    return Digests(md5, hashlib.sha256(data).hexdigest(), len(data), legacy=legacy)


def digest_folder(files: Mapping[str, Digests], *, legacy: bool = False) -> Digests:
    """Return the digests of a folder, from those of its files."""
    listing = directory_object(files)
    md5 = hashlib.md5(listing, usedforsecurity=False).hexdigest()
    sums = [{"relpath": name, "sha256": files[name].sha256} for name in sorted(files)]
    return Digests(
        md5=f"{md5}.dir",
        sha256=hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest(),
        size=sum(file.size for file in files.values()),
        nfiles=len(files),
        files=dict(files),
        legacy=legacy,
    )


def directory_object(files: Mapping[str, Digests]) -> bytes:
    """Return the bytes of a DVC ``.dir`` object."""
    entries = [{"md5": files[name].md5, "relpath": name} for name in sorted(files)]
    return json.dumps(entries, sort_keys=True).encode()


def _fold(data: bytes) -> bytes:
    """Fold line ends as the digests of DVC 2 do: in each MiB that looks like text."""
    pieces = (data[start : start + 2**20] for start in range(0, len(data), 2**20))
    return b"".join(p.replace(b"\r\n", b"\n") if _is_text(p[:512]) else p for p in pieces)


def _is_text(block: bytes) -> bool:
    other = block.translate(None, bytes(range(32, 127)) + b"\n\r\t\f\b")
    return b"\0" not in block and len(other) <= 0.3 * len(block)


def to_yaml(value: object) -> str:
    """Write YAML as DVC does: block style, keys in their order, quotes where needed only."""
    return "".join(f"{line}\n" for line in _yaml_lines(value))


def _yaml_lines(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _yaml_entry(f"{_yaml_scalar(key)}:", item)
    elif isinstance(value, list | tuple):
        for item in value:
            lines = list(_yaml_lines(item)) if _is_filled(item) else [_yaml_scalar(item)]
            yield from (("- " if n == 0 else "  ") + line for n, line in enumerate(lines))
    else:
        yield _yaml_scalar(value)


def _yaml_entry(key: str, value: object) -> Iterator[str]:
    if not _is_filled(value):
        yield f"{key} {_yaml_scalar(value)}"
        return
    yield key
    indent = "  " if isinstance(value, Mapping) else ""
    yield from (indent + line for line in _yaml_lines(value))


def _is_filled(value: object) -> bool:
    return isinstance(value, Mapping | list | tuple) and bool(value)


# What YAML 1.1 or 1.2 would take for something else than text: 12e4, 1_000, 0x1f, 12:30, .5, no, …
_AMBIGUOUS = re.compile(
    r"[-+.]?[\d_.:,]+(e[-+]?\d+)?|0x[\da-f_]+|0[bo][0-7_]+|\d{4}-\d\d?-\d\d?.*|[-+]?\.(inf|nan)"
    r"|~|null|true|false|yes|no|on|off|y|n|<<|=",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[\w./+][\w ./+@()-]*")


def _yaml_scalar(value: object) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if value == value.strip() and _PLAIN.fullmatch(value) and not _AMBIGUOUS.fullmatch(value):
        return value
    if value.isprintable() and "'" not in value:
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False)


AUTHOR = "Test Author"
DTYPES = {
    "any": {
        "title": "Any file or folder",
        "content_type": "application/octet-stream",
        "downloadable": True,
    },
    "audio": {
        "title": "Sound",
        "content_type": "audio/wav",
        "extensions": ["wav"],
        "downloadable": True,
    },
    "dwi": {
        "title": "Diffusion-weighted image",
        "content_type": "application/x-nifti",
        "extensions": ["nii.gz", "nii"],
        "downloadable": True,
    },
    "t1w": {
        "title": "Anatomical image, T1-weighted",
        "content_type": "application/x-nifti",
        "extensions": ["nii.gz", "nii"],
        "downloadable": True,
    },
}

Member = str | tuple[str, str] | tuple[str, str | None, str | None]
"""A dataset by its name or identifier; with a part of it; with its path in the package."""

_RECORD_ORDER = [
    "id",
    "version",
    "versions",
    "dtype",
    "title",
    "description",
    "license",
    "created_by",
    "created_on",
    "metadata",
    "derived_from",
    "status",
]


@dataclass
class Dataset:
    """What the builder knows of a dataset that it made."""

    name: str
    digests: Digests
    record: dict[str, Any] | None
    manifest: bool = False

    @property
    def basename(self) -> str:
        """The name without its folders."""
        return PurePosixPath(self.name).name


class RegistryBuilder:
    """Builds a registry: a git repository in ``root``, its objects in ``objects``.

    Methods write files at once; ``commit`` makes them history.
    """

    def __init__(self, root: Path, objects: Path, *, legacy: bool = False) -> None:
        self.root = root
        self.objects = objects
        self.legacy = legacy
        self.datasets: dict[str, Dataset] = {}
        self.packages: dict[str, Digests] = {}
        self.commits = 0
        self._config: dict[str, dict[str, str]] = {}
        self._ignored: dict[Path, list[str]] = {}
        self._package_files: dict[str, dict[str, Any]] = {}
        self._old_vendors: dict[str, list[str]] = {}

    def add_file(
        self,
        name: str,
        data: bytes,
        *,
        id: str | None = None,  # noqa: A002 (the name of the field)
        record: bool = True,
        push: bool = True,
        checkout: bool = False,
        legacy: bool | None = None,
        **fields: Any,
    ) -> Digests:
        """Add a dataset of one file: ``record=False`` as plain ``dvc add`` does.

        Parameters
        ----------
        name : str
            Its path below ``data/``.
        data : bytes
            Its content.
        id : str, optional
            Its identifier; made from the name if there is a record.
        record : bool
            Write our block into the pointer, and a collection if it is missing.
        push : bool
            Put the object into the remote.
        checkout : bool
            Leave the file in the work tree too.
        legacy : bool, optional
            In DVC 2 form; as the registry if not given.
        **fields
            More of the record: ``dtype``, ``title``, ``license``, ``metadata``, …
        """
        legacy = self.legacy if legacy is None else legacy
        digests = digest_file(data, legacy=legacy)
        self._add(Dataset(name, digests, self._record(name, id, fields, record=record)))
        self._keep(name, digests, {"": data}, push=push, checkout=checkout)
        return digests

    def add_folder(
        self,
        name: str,
        files: Mapping[str, bytes],
        *,
        id: str | None = None,  # noqa: A002
        record: bool = True,
        manifest: bool | None = None,
        push: bool = True,
        checkout: bool = False,
        legacy: bool | None = None,
        **fields: Any,
    ) -> Digests:
        """Add a dataset of a folder, with its manifest if there is a record. See ``add_file``."""
        legacy = self.legacy if legacy is None else legacy
        digests = _digest_files(files, legacy=legacy)
        manifest = record if manifest is None else manifest
        self._add(Dataset(name, digests, self._record(name, id, fields, record=record), manifest))
        self._keep(name, digests, files, push=push, checkout=checkout)
        return digests

    def new_version(
        self,
        name: str,
        data: bytes | Mapping[str, bytes],
        *,
        note: str | None = None,
        push: bool = True,
        checkout: bool = False,
    ) -> Digests:
        """Give a dataset new content: its next version, if it has a record."""
        dataset = self.find(name)
        legacy = dataset.digests.legacy
        if isinstance(data, bytes):
            digests, files = digest_file(data, legacy=legacy), {"": data}
        else:
            digests, files = _digest_files(data, legacy=legacy), dict(data)
        dataset.digests = digests
        if dataset.record:
            dataset.record["version"] += 1
            versions = dataset.record["versions"]
            versions.append(self._version(dataset.record["version"], digests, note))
        self._write_dataset(dataset)
        self._keep(dataset.name, digests, files, push=push, checkout=checkout)
        return digests

    def change_record(self, name: str, **fields: Any) -> None:
        """Change fields of a record (``status="deprecated"``); None takes one away."""
        dataset = self.find(name)
        changed = (dataset.record or {}) | fields
        dataset.record = {key: value for key, value in changed.items() if value is not None}
        self._write_dataset(dataset)

    def add_collection(self, name: str, **fields: Any) -> None:
        """Write (again) what a collection says of itself."""
        usual = {
            "title": name,
            "description": f"Test data of {name}.",
            "license": "CC0-1.0",
            "authors": [AUTHOR],
        }
        self.write(f"data/{name}/collection.yaml", to_yaml(usual | fields))

    def add_vendor(self, name: str, **fields: Any) -> None:
        """Write (again) what a vendor says of itself."""
        usual = {
            "title": name,
            "description": f"Packages of {name}.",
            "maintainers": [{"name": AUTHOR}],
        }
        self.write(f"store/{name}/vendor.yaml", to_yaml(usual | fields))

    def add_package(
        self,
        name: str,
        members: Sequence[Member] | Mapping[str, str],
        version: str = "1.0.0",
        *,
        note: str | None = None,
        push: bool = True,
        **fields: Any,
    ) -> Digests:
        """Add a package, or release another version of it: no data is read for it.

        Parameters
        ----------
        name : str
            Its name, as ``vendor/package`` or ``department/vendor/package``.
        members : sequence of Member, or mapping of str to str
            What is in it; a mapping tells the path in the package for each dataset.
        version : str
            Its semantic version.
        note : str, optional
            What changed.
        push : bool
            Put its ``.dir`` object into the remote.
        **fields
            More of its file: ``title``, ``purpose``, ``description``, ``license``.
        """
        found = [self._member(member) for member in _as_tuples(members)]
        files = {path: digests for _, entries in found for path, digests in entries.items()}
        digests = digest_folder(files, legacy=self.legacy)
        vendor, _, package = name.rpartition("/")
        if not (self.root / "store" / vendor / "vendor.yaml").exists():
            self.add_vendor(vendor)
        known = self._package_files.get(name, _new_package(package))
        versions = [*known.pop("versions", []), self._version(version, digests, note)]
        known = known | fields | {"members": [entry for entry, _ in found], "versions": versions}
        self._package_files[name] = known
        self.write(f"store/{name}.yaml", to_yaml(known))
        self._write_package(name, digests, push=push)
        return digests

    def add_old_package(
        self, name: str, files: Mapping[str, bytes], *, push: bool = True
    ) -> Digests:
        """Add a package in the old style: a bare pointer, and a line in the vendor's meta.yml."""
        digests = _digest_files(files, legacy=self.legacy)
        vendor, _, package = name.rpartition("/")
        self.add_old_vendor(vendor, [*self._old_vendors.get(vendor, []), package])
        self._write_package(name, digests, push=push)
        if push:
            self._push(digests, files)
        return digests

    def add_old_vendor(self, name: str, packages: Sequence[str] = ()) -> None:
        """Write a vendor in the old style."""
        self._old_vendors[name] = list(packages)
        content = {"description": f"Test data of {name}", "packages": list(packages)}
        self.write(f"store/{name}/meta.yml", to_yaml(content))

    def find(self, name: str) -> Dataset:
        """Return a dataset that was added, by its name or its identifier."""
        for dataset in self.datasets.values():
            if name in (dataset.name, (dataset.record or {}).get("id")):
                return dataset
        raise KeyError(name)

    def pointer_path(self, name: str) -> Path:
        """Return the path of a dataset's pointer."""
        return self.root / "data" / f"{self.find(name).name}.dvc"

    def object_path(self, digests: Digests) -> Path:
        """Return the path of an object in the remote, to damage or delete it."""
        return self.objects / digests.key

    def fill_cache(self) -> None:
        """Copy all that the remote has into the DVC cache, as ``dvc fetch`` does."""
        for path in sorted(self.objects.rglob("*")):
            target = self.root / ".dvc" / "cache" / path.relative_to(self.objects)
            if path.is_file() and not target.exists():
                _write(target, path.read_bytes()).chmod(0o444)

    def remote_url(
        self,
        url: str | Path,
        options: Mapping[str, str] | None = None,
        *,
        name: str = "storage",
        local: Mapping[str, str] | None = None,
    ) -> None:
        """Say where the default remote is, and how to reach it.

        ``options`` are committed with ``.dvc/config``; ``local`` ones (a password) go to
        ``.dvc/config.local``.
        """
        section = f"'remote \"{name}\"'"
        self._config[section] = {"url": str(url), "verify": "true", **(options or {})}
        self.set_config({"core": {"remote": name}})
        if local:
            self.write(".dvc/config.local", _to_ini({section: local}))

    def set_config(self, sections: Mapping[str, Mapping[str, str | None]]) -> None:
        """Change settings in ``.dvc/config``, by section and key; None takes one away."""
        for name, values in sections.items():
            changed = {**self._config.get(name, {}), **values}
            kept = {key: value for key, value in changed.items() if value is not None}
            self._config[name] = kept
        self.write(".dvc/config", _to_ini(self._config))

    def write(self, path: str, content: str | bytes) -> Path:
        """Write any file of the registry."""
        data = content.encode("utf-8") if isinstance(content, str) else content
        return _write(self.root / path, data)

    def commit(self, message: str = "Change the registry", *, tag: str | None = None) -> str:
        """Commit all there is, at the next minute of the registry's own clock."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.commits += 1
        if tag:
            self.git("tag", tag)
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Run git in the registry, and return what it says."""
        when = f"{FIRST_COMMIT + 60 * self.commits} +0000"
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        return run_git(*arguments, folder=self.root, stdin=stdin, environment=dates)

    @property
    def today(self) -> str:
        """The day of the next commit, as records write it."""
        return datetime.fromtimestamp(FIRST_COMMIT + 60 * self.commits, UTC).date().isoformat()

    def _record(
        self, name: str, identifier: str | None, fields: dict[str, Any], *, record: bool
    ) -> dict[str, Any] | None:
        if not record:
            return None
        usual = {
            "id": identifier or make_identifier(name),
            "version": 1,
            "dtype": "any",
            "created_by": AUTHOR,
            "created_on": self.today,
            "status": "active",
        }
        return usual | fields

    def _version(self, version: int | str, digests: Digests, note: str | None) -> dict[str, Any]:
        entry = {
            "version": version,
            "md5": digests.md5,
            "size": digests.size,
            "nfiles": digests.nfiles,
            "sha256": digests.sha256,
            "date": self.today,
            "by": AUTHOR,
            "note": note,
        }
        return {key: value for key, value in entry.items() if value is not None}

    def _add(self, dataset: Dataset) -> None:
        self.datasets[dataset.name] = dataset
        collection, _, rest = dataset.name.partition("/")
        if dataset.record is not None:
            dataset.record["versions"] = [self._version(1, dataset.digests, None)]
            if rest and not (self.root / "data" / collection / "collection.yaml").exists():
                self.add_collection(collection)
        self._write_dataset(dataset)

    def _write_dataset(self, dataset: Dataset) -> None:
        content: dict[str, Any] = {"outs": [pointer_out(dataset.basename, dataset.digests)]}
        if dataset.record is not None:
            record = dataset.record
            order = [*_RECORD_ORDER, *(key for key in record if key not in _RECORD_ORDER)]
            ordered = {key: record[key] for key in order if key in record}
            content["meta"] = {"neurogister": ordered}
        self.write(f"data/{dataset.name}.dvc", to_yaml(content))
        if dataset.manifest:
            self.write(f"data/{dataset.name}.manifest.csv", manifest_text(dataset.digests.files))
        self._ignore(f"data/{dataset.name}")

    def _write_package(self, name: str, digests: Digests, *, push: bool) -> None:
        self.packages[name] = digests
        out = pointer_out(name.rpartition("/")[2], digests)
        self.write(f"store/{name}.dvc", to_yaml({"outs": [out]}))
        self._ignore(f"store/{name}")
        if push:
            _write(self.object_path(digests), directory_object(digests.files))

    def _ignore(self, path: str) -> None:
        target = self.root / path
        lines = self._ignored.setdefault(target.parent, [])
        if f"/{target.name}" not in lines:
            lines.append(f"/{target.name}")
            _write_text(target.parent / ".gitignore", "".join(f"{line}\n" for line in lines))

    def _keep(
        self,
        name: str,
        digests: Digests,
        files: Mapping[str, bytes],
        *,
        push: bool,
        checkout: bool,
    ) -> None:
        if push:
            self._push(digests, files)
        if checkout:
            for relpath, data in files.items():
                _write(self.root / "data" / name / relpath, data)

    def _push(self, digests: Digests, files: Mapping[str, bytes]) -> None:
        for relpath, data in files.items():
            _write(self.object_path(digests.files.get(relpath, digests)), data)
        if digests.nfiles is not None:
            _write(self.object_path(digests), directory_object(digests.files))

    def _member(
        self, member: tuple[str, str | None, str | None]
    ) -> tuple[dict[str, str], dict[str, Digests]]:
        """Return a member as a package's file says it, and the files it brings."""
        name, part, path = member
        dataset = self.find(name)
        path = path or PurePosixPath(part or dataset.basename).name
        entry = {"dataset": name, **({"part": part} if part else {}), "path": path}
        return entry, {
            str(PurePosixPath(path, relpath)): digests
            for relpath, digests in _select(dataset.digests, part).items()
        }


def _select(digests: Digests, part: str | None) -> dict[str, Digests]:
    """Return the files of a dataset, or of a part of it, by their path inside of it."""
    if digests.nfiles is None:
        return {"": digests}
    if part is None:
        return dict(digests.files)
    if part in digests.files:
        return {"": digests.files[part]}
    inside = f"{part}/"
    chosen = {
        relpath.removeprefix(inside): file
        for relpath, file in digests.files.items()
        if relpath.startswith(inside)
    }
    if not chosen:
        raise KeyError(part)
    return chosen


def _as_tuples(
    members: Sequence[Member] | Mapping[str, str],
) -> Iterator[tuple[str, str | None, str | None]]:
    if isinstance(members, Mapping):
        yield from ((dataset, None, path) for dataset, path in members.items())
        return
    for member in members:
        given = (member,) if isinstance(member, str) else member
        dataset, part, path = (*given, None, None)[:3]
        assert dataset is not None
        yield dataset, part, path


def _new_package(name: str) -> dict[str, Any]:
    return {
        "title": name,
        "purpose": "tests",
        "description": f"Data of {name}.",
        "license": "CC0-1.0",
    }


def _digest_files(files: Mapping[str, bytes], *, legacy: bool) -> Digests:
    each = {name: digest_file(data, legacy=legacy) for name, data in files.items()}
    return digest_folder(each, legacy=legacy)


def pointer_out(path: str, digests: Digests) -> dict[str, Any]:
    """Return the ``outs`` entry of a pointer."""
    nfiles = {} if digests.nfiles is None else {"nfiles": digests.nfiles}
    form = {} if digests.legacy else {"hash": "md5"}
    return {"md5": digests.md5, "size": digests.size, **nfiles, **form, "path": path}


def manifest_text(files: Mapping[str, Digests]) -> str:
    """Return the text of a folder's manifest."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["size", "md5", "sha256", "path"])
    for path in sorted(files):
        writer.writerow([files[path].size, files[path].md5, files[path].sha256, path])
    return stream.getvalue()


def make_identifier(name: str) -> str:
    """Return eight characters of base 36 that belong to a name."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return "".join(digits[number // 36**n % 36] for n in range(8))


def _to_ini(sections: Mapping[str, Mapping[str, str]]) -> str:
    lines = []
    for section, values in sections.items():
        lines += [f"[{section}]", *(f"    {key} = {_ini(value)}" for key, value in values.items())]
    return "".join(f"{line}\n" for line in lines)


def _ini(value: str) -> str:
    return f'"{value}"' if re.search(r"[,#']|^\s|\s$", value) else value


def make_registry(
    root: Path,
    *,
    objects: Path | None = None,
    url: str | Path | None = None,
    plain: bool = False,
    legacy: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> RegistryBuilder:
    """Make an empty registry, with one commit.

    Parameters
    ----------
    root : Path
        Its folder; made if it is missing.
    objects : Path, optional
        Where its objects are written: ``NAME-remote`` beside ``root`` if not given. A bucket of
        an S3 server, a folder that an HTTP server serves, …
    url : str or Path, optional
        Where the default remote is: the folder of objects if not given.
    plain : bool
        Leave out ``registry.yaml``: a DVC repository of somebody else.
    legacy : bool
        In DVC 2 form: pointers without ``hash:``, objects at ``ab/cdef…``.
    settings : mapping, optional
        More of ``registry.yaml``: ``policy``, ``archives``, ``dtypes``, …
    """
    objects = objects or root.with_name(f"{root.name}-remote")
    builder = RegistryBuilder(root, objects, legacy=legacy)
    _init(builder)
    builder.remote_url(url or objects.absolute())
    if not plain:
        usual = {"name": root.name, "title": "A registry for tests", "dtypes": DTYPES}
        builder.write("registry.yaml", to_yaml(usual | dict(settings or {})))
    builder.commit("Make a registry")
    return builder


def _init(builder: RegistryBuilder) -> None:
    builder.root.mkdir(parents=True, exist_ok=True)
    builder.objects.mkdir(parents=True, exist_ok=True)
    builder.git("init", "--quiet", "--initial-branch=main")
    builder.git("config", "core.autocrlf", "false")
    builder.write(".dvc/.gitignore", "/config.local\n/tmp\n/cache\n")
    builder.write(".dvcignore", "# Patterns of files that dvc should ignore\n")


_COLLECTIONS = ["subject", "legacy", "pipeline_archives", "toolbox_archives", "pipeline_tests"]
_BRANCHES = [
    "",
    "diffusion/dti",
    "diffusion/fodf",
    "freesurfer/label",
    "raw/raw_DWIms300-1000-dir8-32",
    "tractogram/atlas/voting_results/bundles",
    "others",
]
_FILES = [
    "fa.nii.gz",
    "DKTatlas+aseg.nii.gz",
    "dwi.bval",
    "dwi.bvec",
    "lh.BA1_exvivo.thresh.label",
    "rh.area",
    "bdo",
    "bundle_IFGWM.trk",
    "raw_DWIms300-1000-dir8-32.zip",
    "mri_ca_register.log.old",
    "local_tracking.json",
    "peaks.npy",
    "stats.xlsx",
]
_IGNORED = "# Python\n__pycache__/\nbuild/\nlib/\n*.egg-info/\n*.manifest\n*.spec\n.env\n"


def make_large_registry(
    root: Path, pointers: int = 1229, *, unreachable: bool = True, checkout: bool = True
) -> RegistryBuilder:
    """Make the look-alike of a registry that has grown without neurogister, in one commit.

    Plain pointers in nested folders, three vendors in the old style, two packages. Git gets them
    in one stream, so that a thousand pointers take half a second.

    Parameters
    ----------
    root : Path
        Its folder.
    pointers : int
        How many pointers, with those of the packages.
    unreachable : bool
        Point to a remote where nobody answers; else all objects are in a folder beside ``root``.
    checkout : bool
        Write the files into the work tree too; else there is only the commit.
    """
    builder = RegistryBuilder(root, root.with_name(f"{root.name}-remote"))
    _init(builder)
    builder.write(".gitignore", _IGNORED)
    builder.set_config({"cache": {"type": "symlink"}})
    unreachable_url = "https://127.0.0.1:9/dvc-store"
    builder.remote_url(unreachable_url if unreachable else builder.objects.absolute())
    for package in ("toolbox_tests/tracking", "pipeline_tests/registration"):
        files = {f"{package[0]}{n}.bin": random_bytes(200, n) for n in range(4)}
        builder.add_old_package(package, files, push=not unreachable)
    builder.add_old_vendor("subject")
    builder.git("add", "--all")
    written = builder.git("write-tree").strip()
    _import_pointers(builder, _large_names(pointers - 2), written, push=not unreachable)
    builder.git("reset", "--quiet", "--hard" if checkout else "--mixed", "main")
    return builder


def _large_names(count: int) -> Iterator[str]:
    """Give names of datasets, a dozen to a folder."""
    for n in range(count):
        place = n // len(_FILES)
        collection = _COLLECTIONS[place % len(_COLLECTIONS)]
        round_, branch = divmod(place // len(_COLLECTIONS), len(_BRANCHES))
        subject = f"sub-{round_:04}" if round_ else ""
        parts = [collection, subject, _BRANCHES[branch], _FILES[n % len(_FILES)]]
        yield "/".join(part for part in parts if part)


def _import_pointers(
    builder: RegistryBuilder, names: Iterable[str], tree: str, *, push: bool
) -> None:
    """Commit the pointers of many files through ``git fast-import``, beside a tree."""
    stream = io.BytesIO()
    stream.write(b"commit refs/heads/main\n")
    stream.write(f"committer {AUTHOR} <author@example.org> {FIRST_COMMIT} +0000\n".encode())
    stream.write(b'data 8\nAdd data\nM 040000 %b ""\n' % tree.encode())
    ignored: dict[str, list[str]] = {}
    for name in names:
        data = name.encode()
        dataset = Dataset(name, digest_file(data), None, manifest=False)
        builder.datasets[name] = dataset
        folder, _, basename = name.rpartition("/")
        ignored.setdefault(folder, []).append(f"/{basename}\n")
        text = to_yaml({"outs": [pointer_out(basename, dataset.digests)]})
        _import_file(stream, f"data/{name}.dvc", text)
        if push:
            _write(builder.object_path(dataset.digests), data)
    for folder, lines in ignored.items():
        _import_file(stream, f"data/{folder}/.gitignore", "".join(lines))
    builder.git("fast-import", "--quiet", stdin=stream.getvalue())
    builder.commits += 1


def _import_file(stream: io.BytesIO, path: str, text: str) -> None:
    data = text.encode()
    stream.write(b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(data), data))
