"""Runs `sql/0005_setups.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0004_notices")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(5), stamp(5)])]  # noqa: RUF012 - Django's own form
