"""A client for the API of arrears: a method for each operation, typed, tried again where that is safe, with lists and
events as iterators and what is refused as an exception with its code.

    from arrears_client import Client

    with Client("https://arrears.example.org", "arr_...") as client:
        client.put_account("c-17", {"name": "Anna", "country": "NL", ...})
        for invoice in client.each_invoice(past_due=True):
            print(invoice["number"], invoice["open"])
"""

from arrears_client.client import Client, EventStream
from arrears_client.problems import ApiProblem, NotReached, WrongField
from arrears_client.transport import Answer

__all__ = ["Answer", "ApiProblem", "Client", "EventStream", "NotReached", "WrongField"]
