"""Where the world reports: payment providers, and mail providers on what came back. Each reads the body as it came."""
