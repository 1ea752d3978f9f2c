"""Runs `sql/0026_token_last_used.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0025_throttles")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(26), stamp(26)])]  # noqa: RUF012 - Django's own form
