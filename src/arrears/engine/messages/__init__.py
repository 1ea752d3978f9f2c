"""Messages: what is still true, to whom, in which words, handed over once, and what came back."""
