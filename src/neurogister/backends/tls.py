"""Whom we believe to be the server that it says it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidFileError, NotFoundError

if TYPE_CHECKING:
    import ssl

    from ..model.remote import RemoteConfig


@dataclass(frozen=True)
class Trust:
    """How the certificate of a server is checked.

    Parameters
    ----------
    verify : bool
        Whether at all.
    ca : Path, optional
        A file (or folder) of more authorities, beside the system's and those of ``certifi``.
    own : tuple of str and (str or None), optional
        The files of our own certificate and of its key, by which the server knows us.
    """

    verify: bool = True
    ca: Path | None = None
    own: tuple[str, str | None] | None = None

    @classmethod
    def of(cls, config: RemoteConfig, *, default: str | None = None) -> Trust:
        """Return what ``ssl_verify`` says; else trust the authorities in a default file too.

        Raises
        ------
        NotFoundError
            If the file of authorities is absent.
        """
        value = config.options.get("ssl_verify")
        certificate = config.text("cert_path")
        own = (certificate, config.text("key_path")) if certificate else None
        if isinstance(value, bool):
            return cls(verify=value, own=own)
        path = config.text("ssl_verify") or default
        return cls(ca=_exists(Path(path).expanduser()) if path else None, own=own)

    def context(self) -> ssl.SSLContext:
        """Return what Python's TLS needs.

        Raises
        ------
        InvalidFileError
            If the file of authorities is none.
        """
        import ssl  # 10 ms, and http needs none

        context = ssl.create_default_context()
        if self.own is not None:
            try:
                context.load_cert_chain(*self.own)
            except OSError as error:
                raise _unusable(Path(self.own[0]), error.strerror or str(error)) from error
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        context.load_verify_locations(_certifi())
        if self.ca is not None:
            is_folder = self.ca.is_dir()
            try:
                context.load_verify_locations(**{"capath" if is_folder else "cafile": str(self.ca)})
            except OSError as error:
                raise _unusable(self.ca, error.strerror or str(error)) from error
        return context

    def client_options(self) -> dict[str, Any]:
        """Return what obstore's TLS needs.

        Raises
        ------
        InvalidFileError
            If the file of authorities is none.
        """
        if not self.verify:
            return {"allow_invalid_certificates": True}
        return {"root_certificate": b"\n".join([Path(_certifi()).read_bytes(), *self._own_pem()])}

    def _own_pem(self) -> list[bytes]:
        if self.ca is None:
            return []
        files = sorted(self.ca.iterdir()) if self.ca.is_dir() else [self.ca]
        try:
            found = [file.read_bytes() for file in files if file.is_file()]
        except OSError as error:
            raise _unusable(self.ca, error.strerror or str(error)) from error
        pem = [data for data in found if b"-----BEGIN CERTIFICATE-----" in data]
        if not pem:
            raise _unusable(self.ca, "it holds no certificate in PEM form")
        return pem


def _certifi() -> str:
    import certifi  # the authorities of Mozilla, as some computers know none

    return certifi.where()


def _exists(path: Path) -> Path:
    if not path.exists():
        raise NotFoundError(
            f"the file of certificates {path} is not there",
            hint="An option of the remote names it (`dvc config --list`), or AWS_CA_BUNDLE.",
        )
    return path


def _unusable(path: Path, why: str) -> InvalidFileError:
    return InvalidFileError(
        f"the file of certificates {path} cannot be used: {why}",
        hint="An option of the remote names it (`dvc config --list`), or AWS_CA_BUNDLE.",
    )
