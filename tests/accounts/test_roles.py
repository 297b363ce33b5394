"""Who may do what, and who sees whom. What the table does not name is refused."""

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from guardian.shortcuts import assign_perm, get_user_perms

from accounts import assignments, rights, roles
from accounts.models import (
    Athlete,
    AthleteUserObjectPermission,
    Connection,
    ConsentDecision,
    Membership,
    Organisation,
)
from audit.models import Entry
from sharing.models import Plan
from tests.accounts.conftest import person

Role = Membership.Role
EVERYTHING = sorted(rights.ADMINISTRATION)
ALLOWED = {
    Role.OWNER: set(EVERYTHING),
    Role.ADMIN: set(EVERYTHING),
    Role.COACH: set(EVERYTHING)
    - {"view_audit", "manage_member", "manage_organisation", "erase_athlete"},
    Role.ASSISTANT: {
        "view_athlete", "view_consent", "view_destination", "view_route", "view_connection",
        "view_alert", "redeliver", "handle_alert", "view_cohort", "view_stop",
    },
    Role.DESTINATION_OWNER: {
        "view_destination", "manage_destination", "view_route", "view_alert", "handle_alert",
        "view_stop", "manage_stop",
    },
    Role.AUDITOR: {
        "view_athlete", "view_consent", "view_destination", "view_route", "view_connection",
        "view_alert", "view_audit", "view_quarantine", "view_cohort", "view_stop",
    },
}  # fmt: skip


def names(athletes):
    return {athlete.name for athlete in athletes}


@pytest.mark.parametrize("permission", EVERYTHING)
@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_exactly_what_the_table_says(studio, role, permission):
    user = person("Fay", studio.organisation, role)
    expected = permission in ALLOWED[role]
    assert roles.may(user, permission) is expected
    assert roles.may(user, permission, studio.organisation) is expected
    assert roles.may(user, permission, studio.elsewhere) is False


@pytest.mark.parametrize("role", list(Role))
def test_nobody_may_what_nobody_named(studio, role):
    assert not roles.may(person("Fay", studio.organisation, role), "delete_everything")


@pytest.mark.parametrize("permission", EVERYTHING)
def test_dan_may_nothing_in_anas_studio(studio, permission):
    assert not roles.may(studio.dan, permission, studio.ben)
    with pytest.raises(PermissionDenied):
        roles.require(studio.dan, permission, studio.ben)


def test_somebody_without_an_organisation_may_nothing(studio):
    lost = person("Lou")
    assert not any(roles.may(lost, permission) for permission in EVERYTHING)
    assert not Athlete.objects.for_user(lost).exists()


def test_being_a_superuser_opens_no_studio(studio):
    root = person("Root", is_superuser=True, is_staff=True)
    assert not Athlete.objects.for_user(root).exists()
    assert not roles.may(root, "view_athlete", studio.ben)


def test_ana_sees_all_her_athletes_and_dan_only_his(studio):
    assert names(Athlete.objects.for_user(studio.ana)) == {"Ben", "Eve"}
    assert names(Athlete.objects.for_user(studio.dan)) == {"Zoe"}


def test_cara_sees_only_the_athletes_assigned_to_her(studio):
    assert names(Athlete.objects.for_user(studio.cara)) == {"Ben"}
    assert roles.may(studio.cara, "view_athlete", studio.ben)
    assert not roles.may(studio.cara, "view_athlete", studio.eve)
    assert not roles.may(studio.cara, "redeliver", studio.eve)


def test_what_hangs_on_an_athlete_is_closed_to_an_assistant_as_the_athlete_is(studio):
    bens = Plan.objects.create(athlete=studio.ben, name="Plan")
    eves = Plan.objects.create(athlete=studio.eve, name="Plan")
    assert roles.may(studio.cara, "redeliver", bens)
    assert not roles.may(studio.cara, "redeliver", eves)
    assert roles.athlete_of(eves) == studio.eve


def test_cara_reads_what_belongs_to_the_whole_studio(studio, connection):
    assert roles.may(studio.cara, "view_connection", connection)
    assert not roles.may(studio.cara, "manage_connection", connection)


def test_the_list_of_athletes_takes_one_query(studio, django_assert_num_queries):
    with django_assert_num_queries(1):
        list(Athlete.objects.for_user(studio.cara))


def test_an_assignment_is_guardians_permission_with_a_real_foreign_key(studio):
    assert studio.cara.has_perm("view_athlete", studio.ben)
    assert not studio.cara.has_perm("view_athlete", studio.eve)
    assert list(get_user_perms(studio.cara, studio.ben)) == ["view_athlete"]
    assert AthleteUserObjectPermission.objects.get().content_object == studio.ben


def test_assigning_twice_is_assigning_once(studio):
    assignments.assign(studio.cara, studio.ben)
    assert AthleteUserObjectPermission.objects.count() == 1


def test_an_assignment_ends_when_it_is_taken_away(studio):
    assignments.unassign(studio.cara, studio.ben)
    assert names(Athlete.objects.for_user(studio.cara)) == set()


def test_an_assignment_goes_with_the_athlete_and_returns_with_nobody(studio):
    kept = studio.ben.pk
    studio.ben.delete()
    again = Athlete.objects.create(pk=kept, organisation=studio.organisation, name="Ben")
    assert not AthleteUserObjectPermission.objects.exists()
    assert not Athlete.objects.for_user(studio.cara).filter(pk=again.pk).exists()


def test_nobody_is_assigned_over_the_wall(studio):
    for user, athlete in ((studio.dan, studio.ben), (studio.cara, studio.zoe)):
        with pytest.raises(ValidationError):
            assignments.assign(user, athlete)


def test_a_permission_that_reaches_over_the_wall_opens_nothing(studio):
    assign_perm("view_athlete", studio.dan, studio.ben)
    assign_perm("view_athlete", studio.cara, studio.zoe)
    assert names(Athlete.objects.for_user(studio.dan)) == {"Zoe"}
    assert names(Athlete.objects.for_user(studio.cara)) == {"Ben"}


def test_another_permission_on_an_athlete_does_not_show_the_athlete(studio):
    assign_perm("change_athlete", studio.cara, studio.eve)
    assert names(Athlete.objects.for_user(studio.cara)) == {"Ben"}


def test_a_group_of_assistants_sees_the_groups_athletes(studio):
    juniors = Group.objects.create(name="juniors")
    juniors.user_set.add(studio.cara)
    assign_perm("view_athlete", juniors, studio.eve)
    assert names(Athlete.objects.for_user(studio.cara)) == {"Ben", "Eve"}
    assert roles.may(studio.cara, "view_athlete", studio.eve)


def test_somebody_who_leaves_the_studio_sees_nothing_from_that_moment(studio):
    studio.cara.memberships.all().delete()
    assert not Athlete.objects.for_user(studio.cara).exists()
    assert not roles.may(studio.cara, "view_athlete", studio.ben)


def test_a_lowered_role_counts_at_the_next_question(studio):
    assert roles.may(studio.ana, "manage_route", studio.organisation)
    studio.ana.memberships.update(role=Role.AUDITOR)
    assert not roles.may(studio.ana, "manage_route", studio.organisation)


def test_somebody_switched_off_may_nothing(studio):
    studio.ana.is_active = False
    studio.ana.save()
    assert not roles.may(studio.ana, "view_athlete", studio.ben)


def test_a_role_in_one_studio_is_no_role_in_another(studio):
    Membership.objects.create(user=studio.ana, organisation=studio.elsewhere, role=Role.AUDITOR)
    assert names(Athlete.objects.for_user(studio.ana)) == {"Ben", "Eve", "Zoe"}
    assert roles.may(studio.ana, "manage_athlete", studio.ben)
    assert not roles.may(studio.ana, "manage_athlete", studio.zoe)


def test_every_list_stops_at_the_wall(studio, connection):
    assert list(Connection.objects.for_user(studio.ana)) == [connection]
    assert not Connection.objects.for_user(studio.dan).exists()
    assert list(Organisation.objects.for_user(studio.dan)) == [studio.elsewhere]
    assert not ConsentDecision.objects.for_user(studio.dan).exists()


def test_what_belongs_to_nobody_is_an_error_and_no_permission(studio):
    with pytest.raises(TypeError, match="belongs to no organisation"):
        roles.may(studio.ana, "view_athlete", studio.ana)


def test_giving_and_taking_an_assignment_is_sealed_in_the_log(studio):
    before = Entry.objects.filter(action="model.changed").count()
    assignments.assign(studio.cara, studio.eve)
    assignments.unassign(studio.cara, studio.eve)
    assert Entry.objects.filter(action="model.changed").count() == before + 2
