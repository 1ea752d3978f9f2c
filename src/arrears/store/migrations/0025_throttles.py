"""Runs `sql/0025_throttles.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0024_erasure")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(25), stamp(25)])]  # noqa: RUF012 - Django's own form
