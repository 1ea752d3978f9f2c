"""The sandbox payment provider: the only stand-in in this project, because the real one cannot be reached from here.

It speaks Stripe's wire to Stripe's own SDK, so that the adapter that demo, tests and torture run is the real one; it
is as strict as the real one, has its bad days when told to, and keeps a truthful book that anybody may compare with.
"""
