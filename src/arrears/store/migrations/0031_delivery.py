"""Runs `sql/0031_delivery.sql`."""

from django.db import migrations

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0030_billing_address")]  # noqa: RUF012 - Django's own form
    operations = [migrations.RunSQL([text(31), stamp(31)])]  # noqa: RUF012 - Django's own form
