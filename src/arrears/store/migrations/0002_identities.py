"""Runs `sql/0002_identities.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0001_receivables")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(2), stamp(2)])]  # noqa: RUF012 - Django's own form
