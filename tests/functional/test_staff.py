"""Staff, roles, wards and several hospitals over HTTP: what is taken away holds at once."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import update

from medical_ai.auth.models import Membership
from medical_ai.auth.permissions import Role
from medical_ai.core.database import Database
from tests.support.http import Api, assert_problem, login, signed_in
from tests.support.medicines import add_medicine
from tests.support.people import Cast, Person

BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)


@pytest.fixture
def danas(api_of: Callable[[Person], Api], dana: Person) -> Api:
    """The administrator's client."""
    return api_of(dana)


@pytest.fixture
def other(app: Flask, database: Database, charlie: Person) -> Api:
    """The administrator of the other hospital."""
    with database.unit_of_work() as session:
        theirs = update(Membership).where(Membership.user_id == charlie.user_id)
        session.execute(theirs.values(role=Role.ADMINISTRATOR))
    return signed_in(app, charlie)


def ids(api: Api) -> dict[str, str]:
    """Return the staff's ids by name."""
    return {one["name"]: one["id"] for one in api.get("/admin/staff").get_json()["items"]}


def join(database: Database, person: Person, hospital: Person, role: Role) -> str:
    """Make a person something in somebody else's hospital; return the hospital's id."""
    with database.unit_of_work() as session:
        session.add(
            Membership(user_id=person.user_id, hospital_id=hospital.actor.tenant_id, role=role)
        )
    return str(hospital.actor.tenant_id)


@BOTH
def test_suspending_takes_effect_on_the_next_request(
    api_of: Callable[[Person], Api], danas: Api, people: Cast, api: Api
) -> None:
    bobs = api_of(people.bob)
    assert bobs.get("/auth/me").status_code == 200
    bob = f"/admin/staff/{ids(danas)['Bob']}"
    assert danas.patch(bob, {"suspended": True}).get_json()["state"] == "suspended"
    assert_problem(bobs.get("/auth/me"), 401)
    assert_problem(login(api, people.bob.email), 401)
    assert danas.patch(bob, {"suspended": False}).get_json()["state"] == "active"
    assert_problem(bobs.get("/auth/me"), 401)  # the session was ended, not paused
    assert login(api, people.bob.email).status_code == 200


@BOTH
def test_another_role_takes_effect_on_the_next_request(
    app: Flask, api_of: Callable[[Person], Api], danas: Api, people: Cast
) -> None:
    bobs = api_of(people.bob)
    refresh = login(Api(app), people.bob.email).get_json()["refresh_token"]
    changed = danas.patch(f"/admin/staff/{ids(danas)['Bob']}", {"role": "billing"})
    assert changed.get_json()["role"] == "billing"
    assert_problem(bobs.get("/auth/me"), 401)
    assert_problem(Api(app, refresh).post("/auth/refresh"), 401)
    assert signed_in(app, people.bob).get("/auth/me").get_json()["role"] == "billing"


@BOTH
def test_a_withdrawn_permission_is_gone_at_the_next_request(
    database: Database, api_of: Callable[[Person], Api], danas: Api, people: Cast, api: Api
) -> None:
    with database.unit_of_work() as session:
        medicine = add_medicine(session, people.alice, ["08:00"])
    bobs, path = api_of(people.bob), f"/medications/{medicine.id}"
    assert bobs.get(path).status_code == 200
    change = {"permission": "medication:read", "granted": False}
    answer = danas.patch("/admin/roles/doctor", change).get_json()
    found = {one["name"]: one["granted"] for one in answer["permissions"]}
    assert found["medication:read"] is False
    assert_problem(bobs.get(path), 403)
    assert "medication:read" not in bobs.get("/auth/me").get_json()["permissions"]
    # Given back, it comes with the next token.
    assert danas.patch("/admin/roles/doctor", change | {"granted": True}).status_code == 200
    again = login(api, people.bob.email).get_json()["access_token"]
    assert api.with_token(again).get(path).status_code == 200


def test_a_withdrawal_in_one_hospital_is_nothing_to_another(
    danas: Api, api_of: Callable[[Person], Api], people: Cast
) -> None:
    charlies = api_of(people.charlie)
    danas.patch("/admin/roles/doctor", {"permission": "record:read", "granted": False})
    assert "record:read" in charlies.get("/auth/me").get_json()["permissions"]


@pytest.mark.parametrize(
    ("role", "permission", "status"),
    [
        ("administrator", "staff:manage", 409),
        ("billing", "medication:read", 404),
        ("janitor", "chat:use", 404),
        ("nurse", "no:such", 422),
    ],
)
def test_roles_stay_within_bounds(danas: Api, role: str, permission: str, status: int) -> None:
    for granted in (False, True) if status != 409 else (False,):
        body = {"permission": permission, "granted": granted}
        problem = assert_problem(danas.patch(f"/admin/roles/{role}", body), status)
        assert permission not in str(problem)


def test_another_hospitals_administrator_finds_nothing(danas: Api, other: Api) -> None:
    ward = danas.post("/admin/wards", {"name": "Ward A"}).get_json()["id"]
    invited = danas.post(
        "/admin/staff/invitations", {"email": "new@example.org", "role": "nurse"}
    ).get_json()["id"]
    bob = ids(danas)["Bob"]
    missing = str(uuid4())
    for method, path, body in (
        ("PATCH", "/admin/staff/{}", {"suspended": True}),
        ("DELETE", "/admin/staff/{}", None),
        ("DELETE", "/admin/staff/invitations/{}", None),
        ("PATCH", "/admin/wards/{}", {"is_open": False}),
    ):
        theirs = {"staff": bob, "wards": ward}.get(path.split("/")[2], missing)
        if "invitations" in path:
            theirs = invited
        bodies = []
        for one in (theirs, missing):
            options = {"json": body} if body else {}
            problem = assert_problem(other.request(method, path.format(one), **options), 404)
            del problem["request_id"]
            bodies.append(problem)
        assert bodies[0] == bodies[1]
    assert set(ids(other)) == {"Charlie"}
    assert other.get("/admin/wards").get_json()["items"] == []
    assert other.get("/admin/staff/invitations").get_json()["items"] == []


def test_the_last_administrator_stays(danas: Api) -> None:
    dana = f"/admin/staff/{ids(danas)['Dana']}"
    assert_problem(danas.patch(dana, {"suspended": True}), 409)
    assert_problem(danas.patch(dana, {"role": "nurse"}), 409)
    assert_problem(danas.delete(dana), 409)
    assert danas.get("/auth/me").status_code == 200


def test_who_is_removed_is_out_at_once(
    api_of: Callable[[Person], Api], danas: Api, people: Cast, api: Api
) -> None:
    bobs = api_of(people.bob)
    assert danas.delete(f"/admin/staff/{ids(danas)['Bob']}").status_code == 204
    assert_problem(bobs.get("/auth/me"), 401)
    assert_problem(login(api, people.bob.email), 401)
    assert "Bob" not in ids(danas)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"role": "patient"},
        {"role": "king"},
        {"wards": ["x"]},
        {"wards": [str(uuid4())]},
        {"wards": [str(uuid4())] * 51},
        {"suspended": "yes"},
        {"user_id": str(uuid4())},
        {"hospital_id": str(uuid4())},
    ],
)
def test_what_makes_no_sense_is_refused(danas: Api, body: dict[str, Any]) -> None:
    bob = f"/admin/staff/{ids(danas)['Bob']}"
    before = danas.get("/admin/staff").get_json()
    assert_problem(danas.patch(bob, body), 422)
    assert danas.get("/admin/staff").get_json() == before


def test_wards_are_counted_renamed_and_closed(danas: Api) -> None:
    ward = danas.post("/admin/wards", {"name": "  Ward A "}).get_json()
    assert (ward["name"], ward["is_open"], ward["staff"], ward["patients"]) == (
        "Ward A",
        True,
        0,
        0,
    )
    assert_problem(danas.post("/admin/wards", {"name": "ward a"}), 409)
    nina = f"/admin/staff/{ids(danas)['Nina']}"
    assert danas.patch(nina, {"wards": [ward["id"]]}).get_json()["wards"][0]["name"] == "Ward A"
    path = f"/admin/wards/{ward['id']}"
    assert danas.patch(path, {"name": "Ward C"}).get_json()["staff"] == 1
    closed = danas.patch(path, {"is_open": False}).get_json()
    assert (closed["name"], closed["is_open"], closed["staff"]) == ("Ward C", False, 0)
    assert danas.get("/admin/wards").get_json()["items"] == [closed]
    assert danas.patch(path, {"is_open": True}).get_json()["is_open"]
    for body in ({}, {"name": ""}, {"name": "x" * 101}, {"name": "a\nb"}):
        assert_problem(danas.patch(path, body), 422)


def test_several_hospitals_are_named_and_switched_between(
    app: Flask, database: Database, people: Cast, api: Api
) -> None:
    riverside = join(database, people.charlie, people.dana, Role.NURSE)
    granted = login(api, people.charlie.email).get_json()
    first = Api(app, granted["access_token"])
    assert [one["name"] for one in first.get("/auth/me").get_json()["hospitals"]] == [
        "Hillside",
        "Riverside",
    ]
    switched = first.post("/auth/hospital", {"hospital_id": riverside})
    assert switched.status_code == 200
    second = Api(app, switched.get_json()["access_token"])
    me = second.get("/auth/me").get_json()
    assert (me["hospital"]["name"], me["role"]) == ("Riverside", "nurse")
    assert_problem(first.get("/auth/me"), 401)  # it speaks for the other hospital
    kept = Api(app, switched.get_json()["refresh_token"]).post("/auth/refresh").get_json()
    assert kept["user"]["hospital"]["name"] == "Riverside"


def test_the_same_role_in_another_hospital_does_not_revive_a_token(
    app: Flask, database: Database, people: Cast, api: Api
) -> None:
    """The role alone would still fit: what must not is the hospital in the token."""
    riverside = join(database, people.charlie, people.dana, Role.DOCTOR)
    first = signed_in(app, people.charlie)
    granted = first.post("/auth/hospital", {"hospital_id": riverside}).get_json()
    assert_problem(first.get("/auth/me"), 401)
    assert Api(app, granted["access_token"]).get("/auth/me").status_code == 200


def test_nobody_switches_to_a_hospital_that_is_not_theirs(
    api_of: Callable[[Person], Api], people: Cast
) -> None:
    bobs = api_of(people.bob)
    bodies = []
    for hospital_id in (people.charlie.actor.tenant_id, uuid4()):
        problem = assert_problem(
            bobs.post("/auth/hospital", {"hospital_id": str(hospital_id)}), 404
        )
        del problem["request_id"]
        bodies.append(problem)
    assert bodies[0] == bodies[1]
    assert bobs.get("/auth/me").status_code == 200


def test_an_invitation_is_listed_and_withdrawn(danas: Api) -> None:
    body = {"email": "new@example.org", "role": "nurse"}
    created = danas.post("/admin/staff/invitations", body)
    assert created.status_code == 201
    assert created.get_json()["link"].startswith("http")
    listed = danas.get("/admin/staff/invitations").get_json()["items"]
    assert [one["email"] for one in listed] == ["new@example.org"]
    assert "link" not in listed[0]
    path = f"/admin/staff/invitations/{listed[0]['id']}"
    assert danas.delete(path).status_code == 204
    assert_problem(danas.delete(path), 404)


@pytest.mark.parametrize(
    "body",
    [
        {"email": "new@example.org"},
        {"email": "new@example.org", "role": "patient"},
        {"email": "not an address", "role": "nurse"},
        {"email": "new@example.org", "role": "nurse", "hospital_id": str(uuid4())},
    ],
)
def test_an_invitation_that_makes_no_sense_is_refused(danas: Api, body: dict[str, str]) -> None:
    assert_problem(danas.post("/admin/staff/invitations", body), 422)
