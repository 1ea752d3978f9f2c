"""Runs `sql/0037_staff.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0036_journal_seal")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(37), stamp(37)])]  # noqa: RUF012 - Django's own form
