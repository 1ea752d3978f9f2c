"""A billing system beside arrears: reading its customers, telling it what was paid, and comparing both books."""
