"""Runs `sql/0006_sign_in.sql`, and tells Django of the person that sessions and second factors belong to."""

from django.db import migrations, models

from arrears.store.schema import stamp, text


class Migration(migrations.Migration):
    """Forward only: a book is never migrated backwards."""

    dependencies = [("store", "0005_setups")]  # noqa: RUF012 - Django's own form
    # Their tables point at `person`, which is not made by a migration that Django knows the tables of.
    run_before = [("account", "0001_initial"), ("mfa", "0001_initial")]  # noqa: RUF012 - Django's own form
    operations = [  # noqa: RUF012 - Django's own form
        migrations.RunSQL([text(6), stamp(6)]),
        migrations.CreateModel(
            name="Person",
            fields=[
                ("person_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("sign_in_email", models.TextField(unique=True)),
                ("display_name", models.TextField()),
                ("locale", models.TextField()),
                ("password", models.TextField()),
                ("session_epoch", models.IntegerField(default=0)),
            ],
            options={"db_table": "person", "managed": False},
        ),
    ]
