"""Papers for customers as PDF: what stands on one is a value, how it looks is a layout of typst."""
