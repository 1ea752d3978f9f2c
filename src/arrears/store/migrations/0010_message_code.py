"""Runs `sql/0010_message_code.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0009_attempt_provider")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(10), stamp(10)])]  # noqa: RUF012 - Django's own form
