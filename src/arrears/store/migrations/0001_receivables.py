"""Runs `sql/0001_receivables.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = []  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(1), stamp(1)])]  # noqa: RUF012 - Django's own form
