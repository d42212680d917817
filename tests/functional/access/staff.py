"""The endpoints of staff, roles and wards: for the administrators of the hospital alone."""

from uuid import UUID

from tests.functional.access import Row, answers

NOBODYS = UUID(int=0)
ADMINISTRATORS = answers(dana=200, rest=403)
NOT_FOUND = answers(dana=404, rest=403)
NOT_YOURS = answers(rest=404)
INVITED = {"email": "new@example.org", "role": "doctor"}

MATRIX: dict[str, Row] = {
    "staff_api.list_staff": ("/admin/staff", None, ADMINISTRATORS),
    "staff_api.change_member": (f"/admin/staff/{NOBODYS}", {"suspended": True}, NOT_FOUND),
    "staff_api.remove_member": (f"/admin/staff/{NOBODYS}", None, NOT_FOUND),
    "staff_api.list_invitations": ("/admin/staff/invitations", None, ADMINISTRATORS),
    "staff_api.invite": ("/admin/staff/invitations", INVITED, ADMINISTRATORS),
    "staff_api.withdraw_invitation": (f"/admin/staff/invitations/{NOBODYS}", None, NOT_FOUND),
    "staff_api.list_roles": ("/admin/roles", None, ADMINISTRATORS),
    "staff_api.change_role": (
        "/admin/roles/nurse",
        {"permission": "chat:use", "granted": True},
        ADMINISTRATORS,
    ),
    "wards_api.list_wards": ("/admin/wards", None, ADMINISTRATORS),
    "wards_api.create_ward": ("/admin/wards", {"name": "Ward Z"}, ADMINISTRATORS),
    "wards_api.change_ward": (f"/admin/wards/{NOBODYS}", {"name": "Ward Y"}, NOT_FOUND),
    "auth_api.switch_hospital": ("/auth/hospital", {"hospital_id": str(NOBODYS)}, NOT_YOURS),
}

MEMBER, WARD = f"/app/staff/{NOBODYS}", f"/app/wards/{NOBODYS}"
GIVEN = {"permission": "chat:use", "granted": "true"}

PAGES: dict[str, Row] = {
    "redaction.preview_page": ("/app/redaction", None, ADMINISTRATORS),
    "settings.switch_hospital": ("/app/hospital", {"hospital_id": str(NOBODYS)}, NOT_YOURS),
    "staff.change": (MEMBER, {"role": "nurse"}, NOT_FOUND),
    "staff.change_role": ("/app/roles/nurse", GIVEN, ADMINISTRATORS),
    "staff.invite": ("/app/staff/invite", INVITED, ADMINISTRATORS),
    "staff.invite_page": ("/app/staff/invite", None, ADMINISTRATORS),
    "staff.list_page": ("/app/staff", None, ADMINISTRATORS),
    "staff.member_page": (MEMBER, None, NOT_FOUND),
    "staff.reinstate": (f"{MEMBER}/reinstate", {}, NOT_FOUND),
    "staff.remove": (f"{MEMBER}/remove", {}, NOT_FOUND),
    "staff.remove_page": (f"{MEMBER}/remove", None, NOT_FOUND),
    "staff.reset_second_step": (f"{MEMBER}/second-step", {}, NOT_FOUND),
    "staff.roles_page": ("/app/roles", None, ADMINISTRATORS),
    "staff.suspend": (f"{MEMBER}/suspend", {}, NOT_FOUND),
    "staff.withdraw": (f"/app/staff/invitations/{NOBODYS}/withdraw", {}, NOT_FOUND),
    "wards.close": (f"{WARD}/close", {}, NOT_FOUND),
    "wards.create": ("/app/wards", {"name": "Ward X"}, ADMINISTRATORS),
    "wards.list_page": ("/app/wards", None, ADMINISTRATORS),
    "wards.rename": (WARD, {"name": "Ward W"}, NOT_FOUND),
    "wards.reopen": (f"{WARD}/open", {}, NOT_FOUND),
    "wards.ward_page": (WARD, None, NOT_FOUND),
}
