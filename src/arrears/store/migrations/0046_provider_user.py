"""Runs `sql/0046_provider_user.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0045_takes_back")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(46), stamp(46)])]  # noqa: RUF012 - Django's own form
