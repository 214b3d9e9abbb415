"""What is fuzzed: each takes any bytes, and lets no error out but our own."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.corpus.draft import pointer_text
from tests.factories import digest_file, digest_folder, directory_object, manifest_text

from neurogister.backends.dvctrust import parse_committed, remarks_on
from neurogister.errors import NeurogisterError
from neurogister.model.document import find_place, parse_document
from neurogister.model.listing import parse_listing
from neurogister.model.lockfile import parse_lockfile
from neurogister.model.manifest import parse_manifest, read_rows
from neurogister.model.pointer import Pointer
from neurogister.registry.schemas import check_files

Target = Callable[[bytes], None]


def _yaml(data: bytes) -> None:
    with suppress(NeurogisterError):
        parse_document(data, "x.yaml")
    find_place(data, ("outs", 0, "md5"))


def _pointer(data: bytes) -> None:
    with suppress(NeurogisterError):
        Pointer.parse(data, "data/c/new.bin.dvc")


def _schema(data: bytes) -> None:
    check_files({"data/c/new.bin.dvc": data})


def _listing(data: bytes) -> None:
    with suppress(NeurogisterError):
        parse_listing(data, name="x.dir")


def _manifest(data: bytes) -> None:
    with suppress(NeurogisterError):
        parse_manifest(data, name="x.manifest.csv")
    read_rows(data)


def _lockfile(data: bytes) -> None:
    with suppress(NeurogisterError):
        parse_lockfile(data)


def _config(data: bytes) -> None:
    with suppress(NeurogisterError):
        remarks_on(parse_committed(data))


_FILES = {"a": digest_file(b"1"), "b/c": digest_file(b"2")}
_POINTER = pointer_text("c/new.bin").encode()
TARGETS: dict[str, Target] = {
    "yaml": _yaml, "pointer": _pointer, "schema": _schema, "listing": _listing,
    "manifest": _manifest, "lockfile": _lockfile, "config": _config,
}  # fmt: skip
SEEDS: dict[str, bytes] = {
    "yaml": _POINTER, "pointer": _POINTER, "schema": _POINTER,
    "listing": directory_object(_FILES),
    "manifest": manifest_text(digest_folder(_FILES).files).encode(),
    "lockfile": Path(__file__).parent.with_name("consumer").joinpath("neurogister.lock").read_bytes(),
    "config": b"[core]\n    remote = s\n['remote \"s\"']\n    url = s3://bucket/x\n",
}  # fmt: skip
