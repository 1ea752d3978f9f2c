"""Runs `sql/0003_money.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0002_identities")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(3), stamp(3)])]  # noqa: RUF012 - Django's own form
