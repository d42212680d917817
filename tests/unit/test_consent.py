"""Consent as permissions, and the eighteenth birthday."""

from datetime import date

import pytest

from medical_ai.patients.consent import (
    SHARES,
    SPOKEN_ALARMS,
    SPOKEN_SHARES,
    Alarm,
    Share,
    needle,
    packed,
    permissions_for,
    shares_in,
    unpacked,
)
from medical_ai.patients.dependants import of_age_on


def test_what_was_packed_is_unpacked() -> None:
    values = frozenset({"medication:read", "dose:answer"})
    assert unpacked(packed(values)) == values
    assert unpacked(packed(())) == frozenset()


def test_a_permission_is_not_found_within_another() -> None:
    text = packed({"medication:read-all"})
    assert needle("medication:read") not in text
    assert needle("medication:read-all") in text


def test_every_share_reads_back_as_ticked() -> None:
    for share in Share:
        assert share in shares_in(permissions_for([share]))
    assert shares_in(permissions_for([Share.MEDICINES])) == [Share.MEDICINES]


def test_no_share_lets_anybody_manage_the_consent_or_the_medicines() -> None:
    given = {one for permissions in SHARES.values() for one in permissions}
    assert given.isdisjoint({"care:share", "medication:write", "record:read"})


def test_every_box_has_its_words() -> None:
    assert set(SPOKEN_SHARES) == set(Share)
    assert set(SPOKEN_ALARMS) == set(Alarm)


def test_all_permissions_fit_into_the_column() -> None:
    assert len(packed(permissions_for(Share))) <= 255
    assert len(packed(Alarm)) <= 255


@pytest.mark.parametrize(
    ("born", "birthday"),
    [
        (date(2010, 5, 4), date(2028, 5, 4)),
        (date(2008, 2, 29), date(2026, 3, 1)),
    ],
)
def test_who_is_of_age_and_when(born: date, birthday: date) -> None:
    assert of_age_on(born) == birthday
