"""Runs `sql/0017_provider_clock.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0016_limits")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(17), stamp(17)])]  # noqa: RUF012 - Django's own form
