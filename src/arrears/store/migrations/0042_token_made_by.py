"""Runs `sql/0042_token_made_by.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0041_folded_number")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(42), stamp(42)])]  # noqa: RUF012 - Django's own form
