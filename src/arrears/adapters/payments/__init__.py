"""Payment providers, each a file or a folder of its own that knows no other; each translates its own world into the
port `Processor` and back."""
