"""The kind for a destination that compares versions: Baton has no such adapter of its own yet."""

from destinations.configuration import ConfigForm
from destinations.errors import ConflictError, StaleError
from destinations.port import (
    Action,
    Capabilities,
    DestinationAdapter,
    IdempotencyClass,
    Item,
    Receipt,
    json_bytes,
)


class RegisterForm(ConfigForm):
    """Nothing that a person enters."""


class RegisterAdapter(DestinationAdapter):
    kind = "register"
    label = "Register"
    config_form = RegisterForm
    capabilities = Capabilities(idempotency=IdempotencyClass.VERSIONED, whole_plan=True)
    schema = {}

    def render(self, plan, options):
        titles = [session.title for session in plan.exercise_list]
        return [Item(key=f"plan-{plan.plan_id}", date=None, body={"sessions": titles})]

    def write(self, step, *, idempotency_key):
        body = {"sessions": []} if step.action == Action.REMOVE else step.item.body
        headers = {"X-Revision": str(step.revision)}
        try:
            self.http.put(self.config["url"], json_bytes(body), headers=headers)
        except ConflictError as error:
            raise StaleError(http_status=error.http_status) from None
        return Receipt(remote_id="register")
