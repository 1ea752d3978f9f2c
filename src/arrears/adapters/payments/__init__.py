"""Payment providers, one file a provider; each translates its own world into the port `Processor` and back."""
