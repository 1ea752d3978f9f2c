"""How each fact changes the account; one small function a kind of fact."""
