"""What a sender may write loosely, and every reason that it is told; times in all spellings."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.event import LATEST, Event
from footfall.core.moments import OutsideCalendar, moment
from footfall.core.validate import FIELDS, address_of, coerce, kind_of, too_deep

NOON = datetime(2022, 9, 11, 23, 0, tzinfo=UTC)


def as_is(value: Any, _name: str) -> Any:
    return value


@pytest.mark.parametrize(
    "text",
    [
        "2022-09-11T23:00:00Z",
        "2022-09-11T23:00:00.000Z",
        "2022-09-11t23:00:00z",
        "2022-09-11 23:00:00",
        "2022-09-11 23:00",
        "2022-09-11 23:00:00 UTC",
        "2022-09-11 23:00:00 +0000 UTC",
        "2022-09-12T01:00:00+02:00",
        "2022-09-12 01:00:00 +0200",
        "2022-09-12T01:00:00+02",
        "20220911T230000Z",
        "20220911230000",
        "2022-09-11T23:00:00,000000000Z",
        " 1662937200 ",
        "1662937200.0",
        "1662937200000",
        "1662937200000000",
        1662937200,
        1662937200.0,
        1662937200000,
        1662937200000000,
    ],
)
def test_times_in_usual_spellings(text: str | int | float) -> None:
    assert moment(text) == NOON


def test_dates_and_leap_seconds() -> None:
    assert moment("2022-09-11") == moment("20220911") == datetime(2022, 9, 11, tzinfo=UTC)
    assert moment("2016-12-31T23:59:60Z") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert moment("12345678") == datetime(1970, 5, 23, 21, 21, 18, tzinfo=UTC)  # no date, so seconds


@pytest.mark.parametrize(
    "text", ["yesterday", "", "2022-13-01", "2022-09-11T25:00:00Z", "12:00", "nan", "1e9", "٣"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".*") as caught:
        moment(text)
    assert not isinstance(caught.value, OutsideCalendar)


@pytest.mark.parametrize(
    "value", [-1, LATEST + 1, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00", 1e300]
)
def test_times_that_cannot_be_kept(value: Any) -> None:
    with pytest.raises(OutsideCalendar):
        moment(value)


@given(st.datetimes(datetime(2, 1, 2), datetime(9998, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_iso_time_is_itself(time: datetime) -> None:
    assert moment(time.isoformat()) == moment(time.isoformat(" ")) == time
    assert msgspec.convert(time.isoformat(), Event.__annotations__["created_at"]) == time


def test_loose_values_are_brought_into_form() -> None:
    fields, reasons = coerce(
        {
            "event": 5,
            "event_id": 17,
            "user_id": 42.0,
            "session_id": "  ",
            "title": 3.5,
            "time_spent": "67",
            "value": "",
            "created_at": "2022-09-11 23:00:00",
            "properties": [],
            "user": {"age": 123456789012345678901234},
            "entree": "a",
            "url": None,
        },
        as_is,
    )
    assert reasons == []
    assert fields == {
        "event": "5",
        "event_id": "17",
        "user_id": "42",
        "title": "3.5",
        "time_spent": 67.0,
        "created_at": NOON,
        "properties": {"entree": "a"},
        "user": {"age": "123456789012345678901234"},
    }
    Event(**fields)


def test_unknown_fields_never_overwrite_properties() -> None:
    fields, _ = coerce({"event": "e", "a": 1, "b": 2, "properties": {"a": 9, "b": 2}}, as_is)
    assert fields["properties"] == {"a": 9, "b": 2, "top_level.a": 1}


def test_every_reason_is_told() -> None:
    _, reasons = coerce(
        {
            "event": None,
            "user_id": True,
            "url": "x" * 8_193,
            "created_at": "yesterday",
            "sent_at": -4,
            "time_spent": -1,
            "value": "much",
            "properties": "none",
            "ip": "here",
        },
        as_is,
    )
    assert reasons == [
        "user_id is true or false: True; send a string",
        "url has 8193 characters, the limit is 8192; send it shorter",
        "created_at is not a time: 'yesterday'; send ISO 8601 or epoch",
        "sent_at is outside the years 2 to 9998: -4; send ISO 8601 or epoch s, ms or us",
        "time_spent is -1, outside 0 to 31536000 (a year); check its unit",
        "value is not a number: 'much'; send a JSON number",
        "properties is a string: 'none'; send an object",
        "ip is not an address: 'here'; send IPv4 or IPv6, or leave it out",
        'event is missing; name the action, such as "page_view"',
    ]


def test_addresses() -> None:
    assert address_of("203.0.113.7:80") == address_of(" 203.0.113.7, 10.0.0.1") == "203.0.113.7"
    assert address_of("::ffff:203.0.113.7") == "203.0.113.7"
    assert address_of("[2001:DB8::1]:443") == address_of("2001:db8::1%eth0") == "2001:db8::1"
    assert address_of("unknown") is None


def test_depth() -> None:
    deep: Any = 1
    for _ in range(64):
        deep = {"a": 0, "b": deep}
    assert not too_deep(deep)
    assert too_deep([deep])
    assert not too_deep("flat")
    assert [kind_of(value) for value in (None, True, 1, "", [], {})] == [
        "null",
        "true or false",
        "a number",
        "a string",
        "an array",
        "an object",
    ]


def test_the_readers_know_every_field() -> None:
    assert tuple(FIELDS) == Event.__struct_fields__
