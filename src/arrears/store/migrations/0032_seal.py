"""Runs `sql/0032_seal.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0031_delivery")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(32), stamp(32)])]  # noqa: RUF012 - Django's own form
