"""Staging and committing in the user's own checkout; hooks run, as with ``git commit`` by hand."""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from typing import TYPE_CHECKING

from ..errors import NeurogisterError, NotFoundError, RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .gitprogram import Git

_LITERALLY = {"GIT_LITERAL_PATHSPECS": "1"}
_FROM_INPUT = ("--pathspec-from-file=-", "--pathspec-file-nul")
_PATIENCE = 20.0  # seconds, if another git is at work
_LOCKED = re.compile(r"\.lock': File exists|Another git process")


class GitWriter:
    """Changes the index, branches and history of one work tree.

    Parameters
    ----------
    git : Git
        Bound to the top of the work tree.
    """

    def __init__(self, git: Git) -> None:
        self._git = git

    def user_name(self) -> str | None:
        """Return the name that the user's commits bear; None if none is set."""
        code, output, _ = self._git.attempt("config", "user.name")
        return output.decode("utf-8", "replace").strip() or None if code == 0 else None

    def tracked(self, paths: Sequence[str]) -> list[str]:
        """Return those paths that git itself tracks, or has files below."""
        files: list[str] = []
        for start in range(0, len(paths), 500):
            output = self._git.run(
                "ls-files", "-z", "--", *paths[start : start + 500], environment=_LITERALLY
            )
            files += (each.decode("utf-8", "replace") for each in output.split(b"\0") if each)
        known, exact = sorted(files), set(files)

        def has(path: str) -> bool:
            place = bisect_left(known, path)
            return place < len(known) and known[place].startswith(path)

        return [path for path in paths if path in exact or has(f"{path}/")]

    def files_below(self, folder: str) -> list[str]:
        """Return the files below a folder that git tracks, or would: all but ignored ones."""
        output = self._git.run(
            "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", folder,
            environment=_LITERALLY,
        )  # fmt: skip
        files = [each.decode("utf-8", "replace") for each in output.split(b"\0") if each]
        return list(dict.fromkeys(files))

    def stage(self, paths: Sequence[str]) -> None:
        """Stage files as they are now; removed ones too.

        Raises
        ------
        RefusedError
            If git ignores one of them.
        """
        tracked = set(self.tracked(paths))
        there = [path for path in paths if path in tracked or (self._git.folder / path).exists()]
        if there:
            self._patiently("add", "--all", *_FROM_INPUT, paths=there)

    def commit(self, paths: Sequence[str], message: str) -> str | None:
        """Commit these files alone, whatever else is staged.

        Returns
        -------
        str or None
            The commit; None if nothing differs from the last one.
        """
        code, output, _ = self._git.attempt(
            "status", "--porcelain", "-z", "--untracked-files=no", "--no-renames"
        )
        staged = {each[3:].decode("utf-8", "replace") for each in output.split(b"\0") if each}
        changed = [path for path in paths if path in staged]
        if code == 0 and not changed:
            return None
        self._patiently("commit", "--quiet", "--only", "-m", message, *_FROM_INPUT, paths=changed)
        return self._git.run("rev-parse", "HEAD").decode().strip()

    def refuse_ignored(self, paths: Sequence[str]) -> None:
        """Check that git would stage files.

        Raises
        ------
        RefusedError
            If it ignores one of them.
        """
        stdin = "\0".join(paths).encode("utf-8", "surrogateescape")
        code, output, _ = self._git.attempt("check-ignore", "-z", "--stdin", stdin=stdin)
        if code == 0:
            raise _ignored(output.decode("utf-8", "replace").rstrip("\0").replace("\0", ", "))

    def check_commit(self) -> None:
        """Check that git could commit some files.

        Raises
        ------
        RefusedError
            If it does not know who the user is, or is in the middle of a merge.
        """
        for who in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            code, _, complaint = self._git.attempt("var", who)
            if code != 0:
                raise self._error(complaint, "commit")
        for other in ("MERGE_HEAD", "CHERRY_PICK_HEAD"):
            code, _, _ = self._git.attempt("rev-parse", "--quiet", "--verify", other)
            if code == 0:
                raise _merging()

    def current_branch(self) -> str | None:
        """Return the branch that is checked out; None if none is."""
        code, output, _ = self._git.attempt("symbolic-ref", "--short", "--quiet", "HEAD")
        return output.decode("utf-8", "replace").strip() if code == 0 else None

    def has_branch(self, name: str) -> bool:
        """Tell whether there is such a branch here."""
        code, _, _ = self._git.attempt("show-ref", "--verify", "--quiet", f"refs/heads/{name}")
        return code == 0

    def check_branch(self, name: str) -> None:
        """Check that work may be committed on a branch: it is the present one, or is new.

        Raises
        ------
        UsageError
            If it cannot be the name of a branch.
        RefusedError
            If it is there, and another one is checked out.
        """
        code, _, _ = self._git.attempt("check-ref-format", "--branch", name)
        if code != 0 or name.startswith("-"):
            raise UsageError(f"{name[:80]!a} cannot be the name of a branch")
        if name != self.current_branch() and self.has_branch(name):
            raise RefusedError(
                f"the branch {name!r} is there already, and another one is checked out",
                hint=f"`git switch {name}` first, or choose another name.",
            )

    def switch(self, name: str) -> None:
        """Check out a new branch that starts here; files and what is staged stay as they are."""
        if name != self.current_branch():
            self._patiently("switch", "--quiet", "--create", name)

    def _patiently(self, *arguments: str, paths: Sequence[str] = ()) -> None:
        """Run a command that changes something; another git that is at work is waited for."""
        until = time.monotonic() + _PATIENCE
        stdin = "\0".join(paths).encode("utf-8", "surrogateescape")
        while True:
            code, _, complaint = self._git.attempt(*arguments, stdin=stdin, environment=_LITERALLY)
            if code == 0:
                return
            if not _LOCKED.search(complaint) or time.monotonic() > until:
                raise self._error(complaint, arguments[0])
            time.sleep(0.1)

    def _error(self, complaint: str, command: str) -> Exception:
        if "ignored by one of your .gitignore" in complaint:
            return _ignored(" ".join(complaint.split()))
        if "Please tell me who you are" in complaint or "empty ident name" in complaint:
            return RefusedError(
                "git does not know who you are, and so cannot commit",
                hint='`git config --global user.name "NAME"` and `user.email ADDRESS`.',
            )
        if "unmerged" in complaint or "cannot do a partial commit during a" in complaint:
            return _merging()
        if _LOCKED.search(complaint):
            said = " ".join(complaint.split())[:300]
            return NeurogisterError(
                f"another git is at work in {self._git.folder}: {said}",
                hint="Run the same command again: it goes on where it stopped. If no git runs,"
                " remove the lock first.",
            )
        error = self._git.error(complaint, command)
        if type(error) is NotFoundError:
            return RefusedError(error.message, hint=error.hint)
        return error


def _ignored(what: str) -> RefusedError:
    return RefusedError(
        f"git ignores what should be staged: {what[:300]}",
        hint="Take it out of .gitignore; a registry's pointers belong into git.",
    )


def _merging() -> RefusedError:
    return RefusedError(
        "a merge is going on, in which git cannot commit some files only",
        hint="Finish it with `git commit`, or leave `--commit` out: then files are only staged.",
    )
