"""Runs `sql/0024_erasure.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0023_one_message_at_a_time")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(24), stamp(24)])]  # noqa: RUF012 - Django's own form
