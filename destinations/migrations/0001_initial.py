import datetime
import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.sealing
import destinations.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("audit", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Destination",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(max_length=32)),
                ("name", models.CharField(max_length=120)),
                ("settings", accounts.sealing.SealedField(blank=True, editable=False, null=True)),
                ("endpoint", models.CharField(max_length=255)),
                (
                    "idempotency_class",
                    models.CharField(
                        choices=[
                            ("versioned", "Versioned: refuses an older version"),
                            ("keyed", "Keyed: honours our idempotency key"),
                            ("upsert", "Upsert: writes under our id"),
                            ("none", "None: only reading back can tell"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "delivery_mode",
                    models.CharField(
                        choices=[("latest", "Only the newest version"), ("every", "Every version")],
                        default="latest",
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("paused", "Paused"),
                            ("disabled", "Disabled"),
                        ],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("paused_reason", models.CharField(blank=True, max_length=200)),
                (
                    "stage",
                    models.CharField(
                        choices=[("test", "Test"), ("live", "Live")], default="test", max_length=4
                    ),
                ),
                ("pseudonymous", models.BooleanField(default=False)),
                ("rate_per_second", models.FloatField(default=5.0)),
                ("burst", models.PositiveSmallIntegerField(default=5)),
                ("slots", models.PositiveSmallIntegerField(default=2)),
                ("limiter_tat", models.DateTimeField(blank=True, null=True)),
                ("late_apply_window", models.DurationField(default=datetime.timedelta(seconds=60))),
                (
                    "breaker_state",
                    models.CharField(
                        choices=[
                            ("closed", "Closed: calls go through"),
                            ("open", "Open: calls wait"),
                            ("probing", "Probing: one call may go through"),
                        ],
                        default="closed",
                        max_length=8,
                    ),
                ),
                ("breaker_opened_at", models.DateTimeField(blank=True, null=True)),
                ("breaker_until", models.DateTimeField(default=destinations.models.long_ago)),
                ("breaker_step", models.PositiveSmallIntegerField(default=0)),
                ("consecutive_failures", models.PositiveIntegerField(default=0)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("last_ok_at", models.DateTimeField(blank=True, null=True)),
                ("last_error_code", models.CharField(blank=True, max_length=64)),
                ("last_error_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "audit_entry",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="audit.entry",
                        to_field="id",
                    ),
                ),
                (
                    "deputy",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="destinations",
                        to="accounts.organisation",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="destinations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "name"), name="destination_names_are_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("rate_per_second__gt", 0)), name="a_rate_is_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("slots__gte", 1), ("burst__gte", 1)),
                        name="at_least_one_call_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("breaker_state", "open"), _negated=True),
                            ("breaker_opened_at__isnull", False),
                            _connector="OR",
                        ),
                        name="an_open_breaker_says_since_when",
                    ),
                ],
            },
        ),
    ]
