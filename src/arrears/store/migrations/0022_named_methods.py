"""Runs `sql/0022_named_methods.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0021_typed_addresses")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(22), stamp(22)])]  # noqa: RUF012 - Django's own form
