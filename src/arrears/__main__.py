"""So that `python -m arrears` is the `arrears` command."""

from arrears.cli.main import main

main()
