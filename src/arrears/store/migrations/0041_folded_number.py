"""Runs `sql/0041_folded_number.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0040_service_drift")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(41), stamp(41)])]  # noqa: RUF012 - Django's own form
