"""Runs `sql/0040_service_drift.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0039_billing")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(40), stamp(40)])]  # noqa: RUF012 - Django's own form
