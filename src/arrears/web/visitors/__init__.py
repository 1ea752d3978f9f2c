"""Pages for people who do not sign in: asking for help, and confirming an address by its link."""
