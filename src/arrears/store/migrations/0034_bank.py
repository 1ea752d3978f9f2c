"""Runs `sql/0034_bank.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0033_documents")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(34), stamp(34)])]  # noqa: RUF012 - Django's own form
