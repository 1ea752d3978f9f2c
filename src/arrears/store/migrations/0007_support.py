"""Runs `sql/0007_support.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0006_sign_in")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(7), stamp(7)])]  # noqa: RUF012 - Django's own form
