"""Control of inboxes: their secrets, how they answer, and what they hold."""

from typing import Any

from django.http import HttpRequest

from sandbox.answers import Refusal, json_view, object_body, only
from sandbox.destinations import inboxes


@json_view
def all_inboxes(request: HttpRequest) -> Any:
    only(request, "GET")
    return {"inboxes": inboxes.names()}


@json_view
def inbox(request: HttpRequest, inbox: str) -> Any:
    only(request, "GET", "POST")
    if request.method == "POST":
        try:
            inboxes.configure(inbox, object_body(request))
        except inboxes.BadAnswer as error:
            raise Refusal(400, {"error": str(error)}) from None
    row = inboxes.get(inbox)
    if row is None:
        raise Refusal(404, {"error": "There is no inbox of this name."})
    return {
        "inbox": inbox,
        "url": request.build_absolute_uri(f"/destinations/webhook/{inbox}"),
        "plans": inboxes.held(inbox),
        "effects": inboxes.messages(inbox, ("applied", "applied again")),
        "repeats": inboxes.messages(inbox, ("repeated",)),
        "refusals": inboxes.messages(inbox, ("refused",)),
    }
