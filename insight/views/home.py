"""Home: what needs a person, today's numbers, recent changes; a checklist at first."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts import roles
from accounts.models import User
from insight.selectors import alerts
from insight.selectors import home as selectors
from sharing.selectors.conservation import of_person
from sharing.views.asking import person


def home(request: HttpRequest) -> HttpResponse:
    user = person(request)
    balance = of_person(user)
    ledger = balance.whole
    sees_athletes = roles.may(user, "view_athlete")
    needs = selectors.needs(user)
    context = {
        "greeting": greeting(user, timezone.now()),
        "checklist": selectors.checklist(user) if sees_athletes else selectors.Checklist([]),
        "needs": needs,
        "needed": sum(need.count for need in needs),
        "open_alerts": alerts.open_count(user),
        "today": selectors.today(user) if sees_athletes else None,
        "ledger": ledger,
        "balanced": balance.balanced,
        "places": selectors.places(ledger),
        "recent": selectors.recent(user) if sees_athletes else None,
    }
    return render(request, "insight/home.html", context)


def greeting(user: User, now: datetime) -> str:
    first = user.name.split()[0] if user.name.strip() else ""
    part = "morning" if now.hour < 12 else "afternoon" if now.hour < 18 else "evening"
    return f"Good {part}, {first}" if first else f"Good {part}"
