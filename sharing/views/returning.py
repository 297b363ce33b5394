"""Back to the page a button was on, if that page is one of ours."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def address(request: HttpRequest, otherwise: str) -> str:
    """What the form gave as `next`; anything that leads out of this site becomes `otherwise`."""
    wish = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wish, {request.get_host()}, request.is_secure())
    return wish if safe else otherwise
