"""Ana's studio and its destinations, for tests that need rows."""

from accounts.models import Membership, Organisation, User
from destinations import services

HOOK = "https://hooks.example.com/catch/1/t0k3n/"
KEY = "4nd6abcd1234secret"


def studio(slug="anas-studio"):
    return Organisation.objects.create(name=slug, slug=slug)


def person(organisation, name="Ana"):
    user = User.objects.create_user(f"{name.lower()}@{organisation.slug}.example", "x", name=name)
    Membership.objects.create(user=user, organisation=organisation, role=Membership.Role.OWNER)
    return user


def webhook(organisation, owner, name="Zapier", **answers):
    return services.create(
        organisation, owner, kind="webhook", name=name, answers={"url": HOOK, **answers}
    )


def intervals(organisation, owner, name="intervals.icu", **answers):
    return services.create(
        organisation, owner, kind="intervals_icu", name=name, answers={"credential": KEY, **answers}
    )
