"""How customers come in: django-allauth's flows behind our own pages. Staff sign in elsewhere.

allauth proves who somebody is (second factors, passkeys, recovery codes, the stages of a sign-in); we decide where its
pages are, what they say, what is counted, and who is told. No page of it is reachable that is not in `urls.py` here.
"""
