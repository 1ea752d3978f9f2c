"""Runs `sql/0038_invoice_mode.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0037_staff")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(38), stamp(38)])]  # noqa: RUF012 - Django's own form
