"""Runs `sql/0015_mail_health.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0014_one_card_many_accounts")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(15), stamp(15)])]  # noqa: RUF012 - Django's own form
