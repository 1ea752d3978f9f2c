"""Runs `sql/0008_recorded_at.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0007_support")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(8), stamp(8)])]  # noqa: RUF012 - Django's own form
