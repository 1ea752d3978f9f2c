"""The only code that knows tables: the numbered SQL, writing units of work, reading for pages and commands."""
