"""Faults on purpose: each module breaks one thing many times and counts what was lost. Zeros with denominators."""
