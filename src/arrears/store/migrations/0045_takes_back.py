"""Runs `sql/0045_takes_back.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0044_place")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(45), stamp(45)])]  # noqa: RUF012 - Django's own form
