"""Runs `sql/0014_one_card_many_accounts.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0013_one_task_a_cause")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(14), stamp(14)])]  # noqa: RUF012 - Django's own form
