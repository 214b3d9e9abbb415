"""Fuzzing of what reads strangers' files."""
