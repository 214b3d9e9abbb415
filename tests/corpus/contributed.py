"""What people really submit: made by our own commands, merged, or behind the base."""

from pathlib import Path

from tests.corpus.cases import harmless
from tests.corpus.draft import Draft

from neurogister import Registry


def _file(inbox: Path, name: str, data: bytes = b"mine\n") -> Path:
    path = inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@harmless
def nothing_at_all(draft: Draft) -> None:
    draft.commit()


@harmless
def deposit_by_command(draft: Draft) -> None:
    draft.by_command(lambda registry, inbox: registry.deposit(
        _file(inbox, "mine.bin"), to="c", auto_id=True, push=False, commit=True))  # fmt: skip


@harmless
def folder_by_command(draft: Draft) -> None:
    def work(registry: Registry, inbox: Path) -> None:
        for n in range(3):
            _file(inbox, f"mine/part {n}/größe-{n}.bin", b"%d" % n)
        registry.deposit(inbox / "mine", to="c", id="mine", push=False, commit=True)

    draft.by_command(work)


@harmless
def new_version_by_command(draft: Draft) -> None:
    draft.by_command(lambda registry, inbox: registry.deposit(
        _file(inbox, "a.bin"), new_version="a-one", note="new", push=False, commit=True))  # fmt: skip


@harmless
def rename_by_command(draft: Draft) -> None:
    draft.by_command(lambda registry, _: registry.rename("a-one", "c/renamed.bin", commit=True))


@harmless
def rename_of_a_folder_by_command(draft: Draft) -> None:
    draft.by_command(lambda registry, _: registry.rename("dwi-one", "c/diffusion", commit=True))


@harmless
def withdraw_by_command(draft: Draft) -> None:
    draft.by_command(lambda registry, _: registry.withdraw("mni-t1", "consent", commit=True))


@harmless
def modify_by_command(draft: Draft) -> None:
    draft.by_command(lambda registry, _: registry.modify(
        "a-one", metadata={"tr": 2.5, "list": [1, {"b": None}]}, title="Better", commit=True))  # fmt: skip


@harmless
def new_vendor_and_package_by_command(draft: Draft) -> None:
    def work(registry: Registry, inbox: Path) -> None:
        registry.add_vendor("gamma", department="lab", maintainers=["Gina"], commit=True)
        registry.create_package(
            "gamma/new", ["a-one", "dwi-one:*.bv*"], purpose="tests", commit=True
        )
        registry.release("gamma/new", "0.1.0", push=False, commit=True)

    draft.by_command(work)


@harmless
def release_by_command(draft: Draft) -> None:
    def work(registry: Registry, inbox: Path) -> None:
        registry.add_members("acme/tests", ["mni-t1=t1/image.nii.gz"], commit=True)
        registry.release("acme/tests", "2.0.0", push=False, commit=True)

    draft.by_command(work)


@harmless
def new_collection(draft: Draft) -> None:
    draft.put("data/new/collection.yaml",
              "title: New\ndescription: Nothing in it yet.\nlicense: CC-BY-4.0\nauthors: [Ada]\n")  # fmt: skip


@harmless
def behind_the_base(draft: Draft) -> None:
    draft.start_at("start")
    draft.dataset()


@harmless
def behind_the_base_with_a_merge(draft: Draft) -> None:
    draft.start_at("start")
    draft.dataset()
    own = draft.commit()
    draft.start_at("main")
    draft.merge(own)
    draft.dataset()


@harmless
def many_commits_that_add_and_take_back(draft: Draft) -> None:
    draft.put("evil.py", "import os\n")
    draft.dataset("c/other.bin", b"x\n", id="was-tried")
    draft.commit()
    draft.remove("evil.py")
    draft.remove("data/c/other.bin.dvc")
    draft.dataset()


@harmless
def code_only(draft: Draft) -> None:
    draft.put("README.md", "# A better text\n")
    draft.put("src/tool.py", "print()\n")
