"""What people ask for: one verb to a file."""
