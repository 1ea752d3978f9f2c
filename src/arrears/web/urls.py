"""Every address: customers at /, staff at /console/, programs at /v1/."""

from __future__ import annotations

from django.urls import path, re_path, register_converter

from arrears.web import assets, outbox, pages
from arrears.web.account_centre import (
    documents,
    home,
    invoices,
    methods,
    papers,
    pay,
    profile,
    settle,
    statement,
    story,
    subscriptions,
    tasks,
    timeline,
)
from arrears.web.account_centre import help as support
from arrears.web.api import api
from arrears.web.console import account as staff_account
from arrears.web.console import acts as staff_acts
from arrears.web.console import bank as staff_bank
from arrears.web.console import certificates as staff_certificates
from arrears.web.console import messages as staff_messages
from arrears.web.console import policies as staff_policies
from arrears.web.console import provider as staff_provider
from arrears.web.console import reports as staff_reports
from arrears.web.console import requests as staff_requests
from arrears.web.console import sign_in as staff
from arrears.web.console import today as staff_today
from arrears.web.console import tokens as staff_tokens
from arrears.web.console import waiting as staff_waiting
from arrears.web.sign_in import urls as sign_in
from arrears.web.visitors import confirm_address
from arrears.web.visitors import help as visitors
from arrears.web.webhooks import messages as mail_webhooks
from arrears.web.webhooks import payments as payment_webhooks
from arrears.web.webhooks import services as service_webhooks


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
    path("", pages.home),
    *sign_in.paths,
    path("console/", staff_today.page),
    path("console/sign-in", staff.sign_in),
    path("console/sign-in/provider", staff_provider.leave_for),
    path("console/sign-in/back", staff_provider.back),
    path("console/sign-out", staff.sign_out),
    path("console/second-step", staff.second_step),
    path("console/second-step/picture.svg", staff.picture),
    path("console/search", staff_today.search),
    path("console/tasks", staff_waiting.tasks),
    path("console/deletions", staff_waiting.deletions),
    path("console/bank", staff_bank.page),
    path("console/bank/<int:number>", staff_bank.one),
    path("console/tokens", staff_tokens.tokens),
    path("console/policies", staff_policies.page),
    path("console/policies/<slug:policy>", staff_policies.one),
    path("console/messages", staff_messages.page),
    path("console/messages/<slug:kind>", staff_messages.one),
    path("console/reports", staff_reports.index),
    path("console/reports/<slug:report>", staff_reports.page),
    path("console/requests", staff_requests.page),
    path("console/requests/<int:number>", staff_requests.one),
    path("console/<account:account>/", staff_account.page),
    path("console/<account:account>/deleted/<int:number>.pdf", staff_certificates.certificate),
    path("console/<account:account>/<slug:act>", staff_acts.page),
    path("language", pages.language),
    path("banner.js", assets.banner),
    path("favicon.ico", assets.favicon),
    path("address/<str:token>", confirm_address.page),
    path("outbox/", outbox.index),
    path("outbox/<str:name>", outbox.mail),
    path("outbox/<str:name>/html", outbox.html),
    path("pay/", pay.page),
    path("pay/<str:token>", pay.exchange),
    path("settle/<str:account>", pay.stable),
    path("settle/<str:account>/<int:attempt>", pay.stable),
    path("help", visitors.page),
    path("help/confirm/<str:token>", visitors.confirm),
    path("help/read/<str:token>", visitors.read),
    path("help/request", visitors.conversation),
    path("acc/", tasks.page),
    path("acc/<path:task>", tasks.page),
    path("<account:account>/", home.page),
    path("<account:account>/settle", settle.page),
    path("<account:account>/settle/back/<int:number>", settle.back),
    path("<account:account>/methods", methods.page),
    path("<account:account>/methods/add", tasks.of_account, {"task": "methods/add"}),
    path("<account:account>/subscriptions", subscriptions.page),
    path("<account:account>/invoices", invoices.page),
    path("<account:account>/invoices.csv", invoices.export),
    path("<account:account>/invoices/<int:number>.pdf", documents.document),
    path("<account:account>/invoices/<int:number>/credits/<int:place>.pdf", documents.document),
    path("<account:account>/statement", statement.page),
    path("<account:account>/statement.csv", statement.export),
    path("<account:account>/statement.pdf", papers.statement),
    path("<account:account>/profile", profile.page),
    path("<account:account>/profile/address", tasks.of_account, {"task": "profile/address"}),
    path("<account:account>/profile/people", tasks.of_account, {"task": "profile/people"}),
    path("<account:account>/timeline", timeline.page),
    path("<account:account>/receipts/<int:number>", invoices.receipt),
    path("<account:account>/receipts/<int:number>.pdf", papers.receipt),
    path("<account:account>/help", support.page),
    path("<account:account>/help/<int:number>", support.one),
    path("<account:account>/story/<str:attempts>", story.page),
    re_path(r"^assets/(?P<stem>[a-z]+)-(?P<digest>[0-9a-f]{12})\.(?P<suffix>[a-z]{2,3})$", assets.serve),
    path("v1/", api.urls),
    path("webhooks/mail/<slug:provider>", mail_webhooks.receive),
    path("webhooks/services/<str:service>", service_webhooks.receive),
    path("webhooks/<slug:provider>", payment_webhooks.receive),
]

handler400 = "arrears.web.errors.bad_request"
handler403 = "arrears.web.errors.forbidden"
handler404 = "arrears.web.errors.not_found"
handler500 = "arrears.web.errors.broken"
