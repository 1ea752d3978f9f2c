"""Runs `sql/0039_billing.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0038_invoice_mode")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(39), stamp(39)])]  # noqa: RUF012 - Django's own form
