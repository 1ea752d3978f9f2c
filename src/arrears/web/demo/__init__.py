"""The demo's own pages. Only `arrears demo` serves them: no other program loads this room, or has its addresses."""
