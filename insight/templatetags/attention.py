"""How many open alerts the reader has, for the navigation. One query for each page."""

from weakref import WeakKeyDictionary

from django import template
from django.http import HttpRequest

from accounts.models import User
from insight.selectors import alerts

register = template.Library()
_counted: WeakKeyDictionary[HttpRequest, int] = WeakKeyDictionary()


@register.simple_tag(takes_context=True)
def open_alerts(context: template.Context) -> int:
    """The navigation stands on a page twice; it asks once."""
    request = context.get("request")
    if request is None or not isinstance(request.user, User):
        return 0
    if request not in _counted:
        _counted[request] = alerts.open_count(request.user)
    return _counted[request]
