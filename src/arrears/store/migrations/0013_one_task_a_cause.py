"""Runs `sql/0013_one_task_a_cause.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0012_mail_that_came_back")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(13), stamp(13)])]  # noqa: RUF012 - Django's own form
