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
