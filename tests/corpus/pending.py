"""What `validate` still judges wrongly; the test keeps this exact."""

PENDING = frozenset({
    # accepted
    "vendor_with_the_title_of_another",
    "manifest_sha256_missing",
    "member_is_file_and_folder",
})  # fmt: skip
