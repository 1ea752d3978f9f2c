"""The account centre: what a customer sees of an account, and can do about it.

A page is a module here, a template of the same name, and a line in urls.py. `frame` says who may see it and in which
language; nothing that is asked for with GET changes anything.
"""
