"""People as values: what a support request is about and what it holds."""
