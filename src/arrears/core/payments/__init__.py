"""Payments as values and rules: methods, attempts, networks' rules, the planner, the settlement set."""
