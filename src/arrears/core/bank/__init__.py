"""Bank statements, the references in them, and whose money a credit is. Pure."""
