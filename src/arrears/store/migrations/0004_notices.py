"""Runs `sql/0004_notices.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0003_money")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(4), stamp(4)])]  # noqa: RUF012 - Django's own form
