"""The `arrears` command: one module a subcommand, imported only when that subcommand is used."""
