"""Runs `sql/0023_one_message_at_a_time.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0022_named_methods")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(23), stamp(23)])]  # noqa: RUF012 - Django's own form
