"""Every address: customers at /, staff at /console/, programs at /v1/."""

from __future__ import annotations

from django.urls import path, re_path, register_converter

from arrears.web import address, assets, bounces, outbox, pages, webhooks
from arrears.web import help as strangers
from arrears.web.api import api
from arrears.web.centre import help as helping
from arrears.web.centre import home, invoices, methods, pay, profile, settle, story, subscriptions, timeline
from arrears.web.door import urls as door


class AccountId:
    """`acc_12` in an address, as its number."""

    regex = "acc_[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """12."""
        return int(value.removeprefix("acc_"))

    def to_url(self, value: int) -> str:
        """acc_12."""
        return f"acc_{value}"


register_converter(AccountId, "account")

urlpatterns = [
    path("", pages.home, {"kind": "person"}),
    *door.paths,
    path("console/", pages.home, {"kind": "staff"}),
    path("console/sign-in", pages.staff_door),
    path("console/sign-out", pages.staff_leave),
    path("language", pages.language),
    path("banner.js", assets.banner),
    path("address/<str:token>", address.page),
    path("outbox/", outbox.index),
    path("outbox/<str:name>", outbox.mail),
    path("outbox/<str:name>/html", outbox.html),
    path("pay/", pay.page),
    path("pay/<str:token>", pay.exchange),
    path("settle/<str:account>", pay.stable),
    path("settle/<str:account>/<int:attempt>", pay.stable),
    path("help", strangers.page),
    path("help/confirm/<str:token>", strangers.confirm),
    path("help/read/<str:token>", strangers.read),
    path("help/request", strangers.conversation),
    path("<account:account>/", home.page),
    path("<account:account>/settle", settle.page),
    path("<account:account>/settle/back/<int:number>", settle.back),
    path("<account:account>/methods", methods.page),
    path("<account:account>/subscriptions", subscriptions.page),
    path("<account:account>/invoices", invoices.page),
    path("<account:account>/invoices.csv", invoices.export),
    path("<account:account>/profile", profile.page),
    path("<account:account>/timeline", timeline.page),
    path("<account:account>/receipts/<int:number>", invoices.receipt),
    path("<account:account>/help", helping.page),
    path("<account:account>/help/<int:number>", helping.one),
    path("<account:account>/story/<str:attempts>", story.page),
    re_path(r"^assets/(?P<stem>[a-z]+)-(?P<digest>[0-9a-f]{12})\.(?P<suffix>[a-z]{2,3})$", assets.serve),
    path("v1/", api.urls),
    path("webhooks/mail/<slug:provider>", bounces.receive),
    path("webhooks/<slug:provider>", webhooks.receive),
]

handler400 = "arrears.web.errors.bad_request"
handler403 = "arrears.web.errors.forbidden"
handler404 = "arrears.web.errors.not_found"
handler500 = "arrears.web.errors.broken"
