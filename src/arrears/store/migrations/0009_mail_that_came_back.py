"""Runs `sql/0009_mail_that_came_back.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0008_recorded_at")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(9), stamp(9)])]  # noqa: RUF012 - Django's own form
