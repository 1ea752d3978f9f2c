"""Runs `sql/0028_heartbeat.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0027_token_scopes")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(28), stamp(28)])]  # noqa: RUF012 - Django's own form
