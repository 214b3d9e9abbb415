"""Validation: what a registry, or a submission to it, must be like; a family of rules to a file."""
