"""Runs `sql/0043_invoice_link.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0042_token_made_by")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(43), stamp(43)])]  # noqa: RUF012 - Django's own form
