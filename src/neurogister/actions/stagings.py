"""Where the bytes of submissions wait: for maintainers to read, and for contributors to write."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..backends.guard import Guard
from ..backends.staging import StagingWeb
from ..errors import NeurogisterError, NotFoundError, RefusedError, UsageError
from ..files import unique_token
from ..model.remote import RemoteConfig, public_address
from ..model.submissions import TRAILER, Submissions, check_address, find_trailers, is_below

if TYPE_CHECKING:
    from ..backends.remotes import Remote
    from ..progress import Progress
    from ..registry.reader import Reader
    from .named import Named
    from .session import Session

_MOST = 20
_PER_MEMBER = 4096  # bytes that a zip file may have for each member beside its content
_ROOM = 1 << 20
_URL = re.compile(r"\A[A-Za-z][A-Za-z0-9+.-]*://")


class Stagings:
    """Opens the stagings that maintainers or submissions name.

    Parameters
    ----------
    session : Session
        The registry.
    submissions : Submissions
        What ``registry.yaml`` of the main branch says.
    named : Named
        All that may come from there: it limits the size of bundles.
    progress : Progress
        Told which addresses are left out.
    """

    def __init__(
        self, session: Session, submissions: Submissions, named: Named, progress: Progress
    ) -> None:
        self._session = session
        self._said = submissions
        self._named = named
        self._progress = progress
        self._rest = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._rest.close()

    def open(self, given: Sequence[str], messages: Sequence[str]) -> list[Remote]:
        """Open those that were given; else those that commit messages name, and the usual one.

        Raises
        ------
        NotFoundError
            If there is none.
        RefusedError
            If there are only such that a submission may not name.
        """
        if given:
            return [self._open_given(text, n) for n, text in enumerate(given, 1)]
        refused: list[NeurogisterError] = []
        remotes = list(self._open_trailers(find_trailers(messages)[:_MOST], refused))
        if self._said.staging is not None and not self._said.needs_login:
            remotes.append(self._usual(self._said.folder(None)))
        if remotes:
            return remotes
        if refused:
            raise refused[0]
        raise NotFoundError(
            "nothing says where the bytes of these submissions wait",
            hint=f"`--from URL` says it, or the line `{TRAILER}: URL` in a commit message, or"
            " `submissions.staging` in registry.yaml.",
        )

    def _open_given(self, text: str, number: int) -> Remote:
        """Open what a maintainer typed: a remote's name, an address, a folder or a zip file."""
        if text.lower() in self._session.config.remotes:
            return self._session.open_remote(self._session.config.remote(text))
        name = f"staging-{number}"
        if text.startswith(("http://", "https://")):
            return self._open_web(name, text, trusted=text)
        if _URL.match(text):
            return self._session.open_remote(_config_for(self._session, name, text))
        path = Path(text).absolute()
        if path.is_file():
            return self._unpacked(name, path)
        if path.is_dir():
            return self._open_folder(name, path, text)
        raise NotFoundError(
            f"{text!r} is no remote, no address, and no file or folder",
            hint="`dvc remote list` shows the remotes.",
        )

    def _open_trailers(
        self, urls: Sequence[str], refused: list[NeurogisterError]
    ) -> Iterator[Remote]:
        for number, url in enumerate(urls, 1):
            try:
                remote = self._open_named(f"submission-{number}", url)
            except NeurogisterError as error:  # one that lies must not be in another's way
                refused.append(error)
                self._progress.warn(error.message)
            else:
                yield remote

    def _open_named(self, name: str, url: str) -> Remote:
        """Open what a submission names, if ``registry.yaml`` allows it."""
        shown = public_address(url)[:200]
        try:
            check_address(url)
        except RefusedError as error:
            raise _not_allowed(shown, error.message) from error
        staging = self._staging_config()
        same_kind = staging is not None and staging.scheme == check_address(url)[0]
        if staging is not None and same_kind and is_below(url, staging.url):
            return self._open_at(replace(staging, name=name, url=url), trusted=staging.url)
        for top in self._said.allowed:
            if is_below(url, top):
                if url.startswith(("http://", "https://")):
                    return self._open_web(name, url, trusted=top)
                return self._session.open_remote(_config_for(self._session, name, url))
        raise _not_allowed(shown, "registry.yaml does not allow it")

    def _open_at(self, config: RemoteConfig, *, trusted: str) -> Remote:
        if config.scheme in ("http", "https"):
            return self._open_web(config.name, config.url, trusted=trusted)
        return self._session.open_remote(config)

    def _staging_config(self) -> RemoteConfig | None:
        return staging_config(self._session, self._said)

    def _usual(self, folder: str) -> Remote:
        config = self._staging_config()
        assert config is not None  # noqa: S101 - for the type checker: the caller has looked
        url = f"{config.url.rstrip('/')}/{folder}" if folder else config.url
        return self._open_at(replace(config, url=url), trusted=url)

    def _open_web(self, name: str, url: str, *, trusted: str) -> Remote:
        try:
            origin = check_address(trusted)
        except RefusedError as error:
            raise _not_allowed(public_address(url)[:200], error.message) from error
        web = StagingWeb(name, url, guard=Guard([origin]), timeout=self._session.settings.timeout)
        if not url.lower().endswith(".zip"):
            return web
        path = self._scratch("zip")
        self._progress.say(f"fetching the bundle {url}")
        web.download(path, limit=self._limit)
        return self._unpacked(name, path, url)

    def _unpacked(self, name: str, path: Path, url: str = "") -> Remote:
        from ..backends.bundles import unpack_bundle  # few submissions have one

        folder = self._scratch("folder")
        members = 2 * len(self._named.wanted) + 1000
        unpack_bundle(path, folder, size=self._limit, members=members)
        return self._open_folder(name, folder, url or str(path))

    def _open_folder(self, name: str, folder: Path, address: str) -> Remote:
        remote = self._session.open_remote(RemoteConfig(name=name, url=str(folder)))
        remote.address = address
        return remote

    @property
    def _limit(self) -> int:
        """How many bytes a bundle may have, packed or not."""
        return self._named.most_bytes + len(self._named.wanted) * _PER_MEMBER + _ROOM

    def _scratch(self, kind: str) -> Path:
        """Return a name in the cache for what is needed during this command only."""
        path = self._session.holdings.target().work / "tmp" / f"bundle-{unique_token()}.{kind}"
        self._rest.callback(_remove, path)
        return path


def _config_for(session: Session, name: str, url: str) -> RemoteConfig:
    """Return how an address is used: as the DVC remote that it lies below, if there is one."""
    for config in session.config.remotes.values():
        if config.scheme == check_address(url)[0] and is_below(url, config.url):
            return replace(config, name=name, url=url)
    return RemoteConfig(name=name, url=url, origin="--from")


def staging_config(session: Session, submissions: Submissions) -> RemoteConfig | None:
    """Return the staging remote that ``registry.yaml`` names, if it names one.

    Raises
    ------
    NotFoundError
        If DVC's configuration has no such remote.
    """
    text = submissions.staging
    if text is None:
        return None
    if _URL.match(text):
        return RemoteConfig(name="staging", url=text, origin="registry.yaml")
    return session.config.remote(text)


@contextmanager
def sink(
    session: Session,
    *,
    staging: str | None,
    form: str | None,
    bundle: Path | None,
    login: str | None,
    dry_run: bool = False,
) -> Iterator[tuple[Remote | None, str | None]]:
    """Open what takes the bytes of a submission, and say under which address they are found.

    Parameters
    ----------
    session : Session
        The registry.
    staging : str, optional
        An address, or the name of a remote; else as ``registry.yaml`` says.
    form : str, optional
        A presigned form: a file or an address.
    bundle : Path, optional
        A folder, or zip file, that is written instead.
    login : str, optional
        Who the contributor is.
    dry_run : bool
        Whether nothing will be written.

    Raises
    ------
    UsageError
        If nothing says where they go.
    """
    said = session.reader.info().submissions
    address = None if staging is None else _address_of(session, staging)
    if dry_run:
        yield None, address
    elif form is not None:
        from ..backends.formpost import FormRemote  # few submissions have one

        remote = FormRemote("staging", _read_form(session, form), timeout=session.settings.timeout)
        yield remote, address or remote.address
    elif bundle is not None and bundle.suffix.lower() == ".zip":
        from ..backends.bundles import new_bundle

        with new_bundle(bundle) as written:
            yield written, address
    elif bundle is not None:
        yield session.open_remote(RemoteConfig(name="bundle", url=str(bundle.absolute()))), address
    elif address is not None and address.startswith(("http://", "https://")):
        yield None, address
    else:
        config = _own_staging(session, said, staging, login)
        opened = session.open_remote(config)
        if (why := opened.why_not_writable()) is not None:
            raise RefusedError(why, hint="`dvc remote modify --local` takes your keys.")
        yield opened, _tellable(config.address)


def open_web_staging(session: Session, url: str) -> StagingWeb:
    """Open a web address that the user of this computer named."""
    guard = Guard([check_address(url)])
    return StagingWeb("staging", url, guard=guard, timeout=session.settings.timeout)


def _own_staging(
    session: Session, said: Submissions, staging: str | None, login: str | None
) -> RemoteConfig:
    if staging is not None:
        known = session.config.remotes.get(staging.lower())
        if known is not None:
            return known
        return _config_for(session, "staging", staging)
    config_ = staging_config(session, said)
    if config_ is None:
        raise UsageError(
            "the registry does not say where the bytes of submissions go",
            hint="`--staging URL`, `--staging-form FILE` or `--bundle FILE.zip` says it"
            " (or `submissions.staging` in registry.yaml).",
        )
    folder = said.folder(login)
    return replace(config_, url=f"{config_.url.rstrip('/')}/{folder}" if folder else config_.url)


def _tellable(address: str) -> str | None:
    """Return an address that a commit may tell; None for one that means something here only."""
    try:
        check_address(address)
    except RefusedError:
        return None
    return address


def _address_of(session: Session, staging: str) -> str | None:
    known = session.config.remotes.get(staging.lower())
    if known is not None:
        return _tellable(known.address)
    try:
        check_address(staging)
    except RefusedError as error:
        raise UsageError(f"--staging {staging[:100]!a}: {error.message}") from error
    return staging


def _read_form(session: Session, form: str) -> Form:
    from ..backends.formpost import Form
    from ..files import open_regular, system_errors

    if form.startswith(("http://", "https://")):
        shown = public_address(form)
        guard = Guard([check_address(shown)])
        web = StagingWeb("the form", form, guard=guard, timeout=session.settings.timeout)
        return Form.parse(bytes(web.read("", limit=_ROOM)), shown)
    with system_errors(form, "read"), open_regular(form) as stream:
        return Form.parse(stream.read(_ROOM), os.path.basename(form))


if TYPE_CHECKING:
    from ..backends.formpost import Form


def _remove(path: Path) -> None:
    """Remove what was unpacked or fetched; a kill leaves it to the cache, which clears up."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    path.unlink(missing_ok=True)


def _not_allowed(url: str, why: str) -> RefusedError:
    return RefusedError(
        f"the submission names {url}, which is not asked: {why}",
        hint="If you trust it: `--from URL`, or `submissions.allowed` in registry.yaml.",
    )


def messages_since(reader: Reader, since: Reader | None) -> list[str]:
    """Return the commit messages that name a staging, the newest first."""
    return reader.messages(f"{TRAILER}:", since=since)
