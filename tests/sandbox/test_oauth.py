import base64
from hashlib import sha256
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.sandbox.client import BACK, SCOPES, Api, code, form, token
from tests.sandbox_process import CLIENT

CONSENT = {"response_type": "code", "client_id": "baton-sandbox", "state": "xyz"}


def consent(sandbox, path="/OAuth/Authorize", **asked):
    query = urlencode(CONSENT | {"redirect_uri": BACK, "scope": SCOPES} | asked)
    return sandbox.call("GET", f"{path}?{query}")


def test_a_code_works_once(sandbox):
    given = code(sandbox)
    pair = token(sandbox, given).json()
    assert pair["token_type"] == "bearer"
    assert pair["expires_in"] == 600
    assert pair["scope"] == SCOPES
    again = token(sandbox, given)
    assert (again.status, again.json()["error"]) == (400, "invalid_grant")


def test_a_code_lapses(sandbox):
    sandbox.switch(code_lifetime=0)
    assert token(sandbox, code(sandbox)).json()["error"] == "invalid_request"


def test_the_redirect_must_be_the_same_at_the_exchange(sandbox):
    other = token(sandbox, code(sandbox), redirect_uri=f"{BACK}other")
    assert (other.status, other.json()["error"]) == (400, "invalid_request")


def test_only_forms_with_the_credentials_in_the_body_are_read(sandbox):
    fields = {"grant_type": "authorization_code", "code": code(sandbox), "redirect_uri": BACK}
    named = {"Content-Type": "application/x-www-form-urlencoded"}
    basic = base64.b64encode(":".join(CLIENT.values()).encode()).decode()
    named["Authorization"] = f"Basic {basic}"
    assert sandbox.call("POST", "/oauth/token", urlencode(fields).encode(), named).status == 400
    as_json = sandbox.call("POST", "/oauth/token", b"{}", {"Content-Type": "application/json"})
    assert as_json.status == 400


def test_a_wrong_secret_is_refused(sandbox):
    answer = form(sandbox, grant_type="refresh_token", refresh_token="x", client_secret="no")
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize("path", ["/OAuth/Token", "/oauth/TOKEN", "/oauth/token"])
def test_paths_do_not_mind_their_casing(sandbox, path):
    named = {"Content-Type": "application/x-www-form-urlencoded"}
    assert sandbox.call("POST", path, b"grant_type=none", named).status == 400


def test_expires_in_is_what_the_switch_says(sandbox):
    sandbox.switch(expires_in=3600)
    assert token(sandbox, code(sandbox)).json()["expires_in"] == 3600


def test_an_expired_access_token_is_refused(sandbox):
    sandbox.switch(expires_in=0)
    assert Api(sandbox).ask("/v1/coach/profile").status == 401


def test_a_refresh_rotates_and_ends_the_pair_before(api):
    new = api.refresh().json()
    assert new["refresh_token"] != api.pair["refresh_token"]
    assert api.ask("/v1/coach/profile").status == 401
    api.pair = new
    assert api.ask("/v1/coach/profile").status == 200


def test_a_refresh_token_used_twice_ends_the_whole_grant(sandbox, api):
    old, api.pair = api.pair["refresh_token"], api.refresh().json()
    assert api.refresh(old).json()["error"] == "invalid_grant"
    assert api.ask("/v1/coach/profile").status == 401
    assert api.refresh().status == 400
    assert [row["kind"] for row in sandbox.journal(kind="reuse")][-1:] == ["reuse"]


def test_reuse_is_forgiven_when_the_switch_says_so(sandbox, api):
    sandbox.switch(revoke_family_on_reuse=False)
    old, api.pair = api.pair["refresh_token"], api.refresh().json()
    assert api.refresh(old).status == 400
    assert api.ask("/v1/coach/profile").status == 200


def test_refresh_tokens_stay_when_rotation_is_off(sandbox, api):
    sandbox.switch(rotate_refresh_tokens=False)
    assert api.refresh().json()["refresh_token"] == api.pair["refresh_token"]
    assert api.refresh().status == 200


def test_a_coach_who_disconnects_ends_calls_and_refreshes(sandbox, api):
    sandbox.switch(revoke_connections=True)
    assert api.ask("/v1/coach/profile").status == 401
    assert api.refresh().status == 400


def test_revoking_ends_todays_tokens_and_lets_the_coach_connect_again(sandbox, api):
    sandbox.post("/control/revoke")
    assert api.refresh().json()["error"] == "invalid_grant"
    assert Api(sandbox).ask("/v1/coach/profile").status == 200


def test_tokens_may_lapse_before_their_time_and_are_renewed(sandbox, api):
    assert sandbox.post("/control/expire") == {"expired": 1}
    assert api.ask("/v1/coach/profile").status == 401
    api.pair = api.refresh().json()
    assert api.ask("/v1/coach/profile").status == 200


@pytest.mark.parametrize(("shape", "said"), [("empty", ""), ("html", "<html>")])
def test_a_refusal_may_have_any_body(sandbox, shape, said):
    sandbox.switch(token_error_body=shape)
    answer = token(sandbox, "no such code")
    assert answer.status == 400
    assert answer.text.startswith(said)
    assert "{" not in answer.text


def test_the_token_endpoint_may_be_away(sandbox, api):
    sandbox.switch(token_unavailable=1)
    assert [api.refresh().status, api.refresh().status] == [503, 200]


def test_the_scopes_may_be_left_out_of_the_answer(sandbox):
    sandbox.switch(scope_in_answer=False)
    assert "scope" not in token(sandbox, code(sandbox)).json()


@pytest.mark.parametrize("status", [200, 204])
def test_deauthorizing_ends_both_tokens(sandbox, api, status):
    sandbox.switch(deauthorize_status=status)
    assert api.ask("/oauth/deauthorize", "POST").status == status
    assert api.ask("/v1/coach/profile").status == 401
    assert api.refresh().status == 400


def test_a_scope_the_application_was_not_given_fails_the_exchange(sandbox):
    sandbox.switch(application_scopes=["coach:athletes"])
    assert token(sandbox, code(sandbox)).json()["error"] == "invalid_scope"


def test_coach_and_athlete_in_one_grant_are_refused_at_the_consent_page(sandbox):
    answer = consent(sandbox, scope="coach:athletes athlete:profile")
    assert answer.status == 400
    assert "both coach and athlete accounts is not allowed" in answer.text


def test_a_redirect_that_is_not_registered_is_refused(sandbox):
    sandbox.switch(redirect_uris=["https://baton.example.com/cb/"])
    assert consent(sandbox).status == 400


def test_other_clients_are_let_in_by_the_switch(sandbox):
    assert consent(sandbox, client_id="other").status == 400
    sandbox.switch(clients={"other": "secret"})
    assert consent(sandbox, client_id="other").status == 200


def test_a_challenge_is_held_to(sandbox):
    digest = sha256(b"the verifier").digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    more = {"code_challenge": challenge, "code_challenge_method": "S256"}
    assert token(sandbox, code(sandbox, **more)).json()["error"] == "invalid_grant"
    right = token(sandbox, code(sandbox, **more), code_verifier="the verifier")
    assert right.status == 200


def test_the_coach_allows_it_on_the_consent_page(sandbox):
    page = consent(sandbox, path="/oauth/authorize")
    assert "Ana Keller" in page.text
    answer = answer_page(sandbox, page, answer="allow")
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["state"] == ["xyz"]
    assert token(sandbox, query["code"][0]).status == 200


def test_the_coach_declines_it(sandbox):
    answer = answer_page(sandbox, consent(sandbox), answer="decline")
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query == {"error": ["access_denied"], "state": ["xyz"]}


def test_a_wrong_password_is_asked_for_again(sandbox):
    answer = answer_page(sandbox, consent(sandbox), answer="allow", password="no")
    assert answer.status == 401
    assert "wrong" in answer.text


def answer_page(sandbox, page, **given):
    cookie = page.headers["Set-Cookie"].split(";")[0]
    csrf = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    fields = CONSENT | {"redirect_uri": BACK, "scope": SCOPES, "csrfmiddlewaretoken": csrf}
    fields |= {"email": "ana.keller@example.com", "password": "sandbox"} | given
    named = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    return sandbox.call("POST", "/OAuth/Authorize", urlencode(fields).encode(), named)


def test_plain_http_may_be_sent_to_https(sandbox, api):
    sandbox.switch(require_https=True)
    answer = api.ask("/v1/coach/profile")
    assert answer.status == 302
    assert answer.headers["Location"].startswith("https://")
    assert api.refresh().status == 302


def test_rows_survive_a_restart(tmp_path):
    from tests.sandbox_process import SandboxProcess

    kept = SandboxProcess(database=tmp_path / "kept.sqlite3")
    kept.start()
    kept.post("/control/seed", {"athletes": 2, "weeks": 1})
    api = Api(kept)
    assert kept.stop() == 0
    kept.start()
    assert len(api.get("/v1/coach/athletes")) == 2
    assert kept.stop() == 0
