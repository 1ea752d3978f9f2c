"""Runs `sql/0021_typed_addresses.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0020_identity")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(21), stamp(21)])]  # noqa: RUF012 - Django's own form
