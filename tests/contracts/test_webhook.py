from destinations.adapters.webhook.adapter import WebhookAdapter
from destinations.adapters.webhook.mapping import message
from destinations.errors import GoneError, UnavailableError
from tests.contracts import plans
from tests.contracts.destination import PushContract

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class TestWebhookContract(PushContract):
    adapter_class = WebhookAdapter
    config = {
        "url": "https://hooks.example.com/catch/123/t0k3n-in-path/",
        "secret": SECRET,
        "header_name": "X-Api-Key",
        "header_value": "k3y-value",
    }
    secrets = (SECRET, "/catch/123/t0k3n-in-path/", "k3y-value")
    refusals = {
        301: UnavailableError,
        400: UnavailableError,
        401: UnavailableError,
        403: UnavailableError,
        404: UnavailableError,
        410: GoneError,
        422: UnavailableError,
    }

    def configured(self, base):
        return {**self.config, "url": f"{base}/catch/123/t0k3n-in-path/"}

    def payload(self, item):
        return message(plans.step_for(item))

    def identity(self, request):
        lines = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
        return [line for line in lines if line.lower().startswith((b"webhook-id", b"baton-"))]
