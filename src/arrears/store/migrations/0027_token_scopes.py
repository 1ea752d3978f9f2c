"""Runs `sql/0027_token_scopes.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0026_token_last_used")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(27), stamp(27)])]  # noqa: RUF012 - Django's own form
