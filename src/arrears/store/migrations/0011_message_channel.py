"""Runs `sql/0011_message_channel.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0010_message_code")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(11), stamp(11)])]  # noqa: RUF012 - Django's own form
