"""Two questions a supervisor asks: does the process answer, and is anybody doing the work?"""

from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from insight.selectors.parts import at_work
from sharing.models import Heartbeat


@login_not_required
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The web process answers and reaches its database."""
    try:
        Heartbeat.objects.exists()
    except DatabaseError:
        return _said(well=False)
    return _said(well=True)


@login_not_required
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """A pump was seen within half a minute."""
    try:
        beating = at_work()
    except DatabaseError:
        beating = False
    return _said(well=beating)


def _said(*, well: bool) -> HttpResponse:
    """No detail: whoever asks without signing in learns nothing else."""
    status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    return HttpResponse("ok\n" if well else "not ok\n", content_type="text/plain", status=status)
