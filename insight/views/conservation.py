"""Conservation: everything that was accepted has a place, shown as one equation."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from insight.selectors import home
from insight.selectors.conservation import conservation as counted
from sharing.ledger import MOST_NAMED
from sharing.views.asking import person


def conservation(request: HttpRequest) -> HttpResponse:
    found = counted(person(request, "view_destination"))
    whole = found.balance.whole
    context = {
        "found": found, "ledger": whole, "places": home.places(whole), "columns": home.ORDER,
        "balanced": found.balance.balanced, "most_named": MOST_NAMED,
    }  # fmt: skip
    return render(request, "insight/conservation.html", context)
