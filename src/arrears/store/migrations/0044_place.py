"""Runs `sql/0044_place.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0043_invoice_link")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(44), stamp(44)])]  # noqa: RUF012 - Django's own form
