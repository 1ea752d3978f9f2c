"""Runs `sql/0012_mail_that_came_back.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0011_message_channel")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(12), stamp(12)])]  # noqa: RUF012 - Django's own form
