"""How other software proves who it is: `Authorization: Bearer baton_…`."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import api_tokens
from accounts.models import ApiToken, User

SCHEME = "bearer"


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, key = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.casefold() != SCHEME:
            return None
        token = api_tokens.find(key.strip())
        if token is None:
            raise AuthenticationFailed("This API token is not valid: make a new one.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Baton"'


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # a metaclass without types
    target_class = TokenAuthentication
    name = "apiToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": SCHEME}
