"""What ``registry.yaml`` says: the registry's title, its policy, its kinds of data and archives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .submissions import Submissions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .fields import Fields

IDENTIFIER_TYPES = ("base36", "uuid")
PHI_RULES = ("refuse", "warn", "allow")
DIGESTS = ("md5", "sha1", "sha256", "blake3")
ACCESSIBILITIES = ("local", "remote", "offline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of a registry.

    Parameters
    ----------
    auto_identifiers : bool
        Whether new datasets get an identifier by themselves (``identifiers.auto``).
    identifier_type : {'base36', 'uuid'}
        Of which form (``identifiers.type``).
    digests : tuple of str
        Which ones are recorded; md5 always is.
    keep_extensions : bool
        Whether file names keep their extension in archives.
    allow_directories : bool
        Whether a dataset may be a folder.
    immutable : bool
        Whether there are no second versions.
    license_required : bool
        Whether each dataset needs a licence, its own or its collection's.
    phi : {'refuse', 'warn', 'allow'}
        What happens to data that shows who a person is.
    group : str, optional
        The group that shared files belong to (``access.group``).
    umask : int, optional
        The permissions that shared files do not have (``access.umask``).
    copies : int
        How many verified locations a prune must leave.
    extra : mapping
        Rules that this version of neurogister does not know.
    """

    auto_identifiers: bool = False
    identifier_type: str = "base36"
    digests: tuple[str, ...] = ("md5", "sha256")
    keep_extensions: bool = True
    allow_directories: bool = True
    immutable: bool = False
    license_required: bool = False
    phi: str = "refuse"
    group: str | None = None
    umask: int | None = None
    copies: int = 2
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Fields) -> Policy:
        """Read the block `policy`."""
        identifiers = fields.inner("identifiers")
        access = fields.inner("access")
        copies = fields.count("copies")
        return cls(
            auto_identifiers=identifiers.flag("auto", default=False),
            identifier_type=identifiers.choice("type", IDENTIFIER_TYPES) or "base36",
            digests=_take_digests(fields),
            keep_extensions=fields.flag("keep_extensions", default=True),
            allow_directories=fields.flag("allow_directories", default=True),
            immutable=fields.flag("immutable", default=False),
            license_required=fields.flag("license_required", default=False),
            phi=fields.choice("phi", PHI_RULES) or "refuse",
            group=access.text("group"),
            umask=_take_umask(access),
            copies=2 if copies is None else copies,
            extra=fields.rest(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dtype:
    """A named kind of data.

    Parameters
    ----------
    name : str
    title, description, content_type : str, optional
    extensions : tuple of str
        What the names of files end with, without the first dot; the first is the usual one.
    downloadable : bool
        Whether it may be downloaded openly.
    extra : mapping
        Fields that this version of neurogister does not know.
    """

    name: str
    title: str | None = None
    description: str | None = None
    content_type: str | None = None
    extensions: tuple[str, ...] = ()
    downloadable: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Fields, name: str) -> Dtype:
        """Read one entry of the block `dtypes`."""
        return cls(
            name=name,
            title=fields.text("title"),
            description=fields.text("description"),
            content_type=fields.text("content_type"),
            extensions=fields.texts("extensions"),
            downloadable=fields.flag("downloadable", default=False),
            extra=fields.rest(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A named place where resources are kept for good.

    Parameters
    ----------
    name : str
    title : str, optional
    scheme, root : str, optional
        What kind of place it is, and where.
    accessibility : {'local', 'remote', 'offline'}
        Whether it is reached on this site only, from anywhere, or after somebody has mounted it.
    extra : mapping
        Its other fields.
    """

    name: str
    title: str | None = None
    scheme: str | None = None
    root: str | None = None
    accessibility: str = "local"
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Fields, name: str) -> Archive:
        """Read one entry of the block `archives`, or ``archives/NAME.yaml``."""
        return cls(
            name=name,
            title=fields.text("title"),
            scheme=fields.text("scheme"),
            root=fields.text("root"),
            accessibility=fields.choice("accessibility", ACCESSIBILITIES) or "local",
            extra=fields.rest(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryInfo:
    """What a registry says about itself; one without ``registry.yaml`` has the defaults.

    Parameters
    ----------
    name, title, description, homepage : str, optional
    policy : Policy
    dtypes : mapping of str to Dtype
    archives : mapping of str to Archive
    submissions : Submissions
    extra : mapping
        Fields that this version of neurogister does not know.
    """

    name: str | None = None
    title: str | None = None
    description: str | None = None
    homepage: str | None = None
    policy: Policy = field(default_factory=Policy)
    dtypes: Mapping[str, Dtype] = field(default_factory=dict)
    archives: Mapping[str, Archive] = field(default_factory=dict)
    submissions: Submissions = field(default_factory=Submissions)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Fields) -> RegistryInfo:
        """Read ``registry.yaml``."""
        return cls(
            name=fields.text("name"),
            title=fields.text("title"),
            description=fields.text("description"),
            homepage=fields.text("homepage"),
            policy=Policy.from_fields(fields.inner("policy")),
            dtypes={
                name: Dtype.from_fields(each, name) for name, each in fields.named("dtypes").items()
            },
            archives={
                name: Archive.from_fields(each, name)
                for name, each in fields.named("archives").items()
            },
            submissions=Submissions.from_fields(fields.inner("submissions")),
            extra=fields.rest(),
        )

    def with_archives(self, archives: Mapping[str, Archive]) -> RegistryInfo:
        """Return the same with more archives, those of ``archives/NAME.yaml``."""
        return replace(self, archives={**archives, **self.archives})


def _take_digests(fields: Fields) -> tuple[str, ...]:
    digests = fields.texts("digests")
    for name in digests:
        if name not in DIGESTS:
            raise fields.error("digests", f"has {name[:40]!a}; known are {', '.join(DIGESTS)}")
    if not digests:
        return ("md5", "sha256")
    return digests if "md5" in digests else ("md5", *digests)


def _take_umask(access: Fields) -> int | None:
    """Take a umask, written as text (``'0007'``) or as YAML's octal number (``0o007``)."""
    value = access.take("umask")
    if value is None:
        return None
    if isinstance(value, str) and value and len(value) <= 5 and set(value) <= set("01234567"):
        value = int(value, 8)
    if type(value) is not int or not 0 <= value <= 0o777:
        raise access.error("umask", "must be octal digits in quotes, such as '0007'")
    return value
