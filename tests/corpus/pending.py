"""What `validate` still judges wrongly; the test keeps this exact."""

PENDING: frozenset[str] = frozenset()
