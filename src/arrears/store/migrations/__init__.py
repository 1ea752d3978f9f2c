"""One migration for each numbered SQL file."""
