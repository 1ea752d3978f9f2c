"""Runs `sql/0033_documents.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0032_seal")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(33), stamp(33)])]  # noqa: RUF012 - Django's own form
