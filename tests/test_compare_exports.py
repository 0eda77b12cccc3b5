"""Exports of other products as they really come, and what is said of files that are no such thing."""

import csv
import io
from contextlib import suppress
from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.compare.daily import PRODUCTS
from footfall.core.compare.exports import read_export
from footfall.core.compare.moments import NotADay, bounds_of, day_of
from footfall.errors import BadExport

DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)
PLAUSIBLE = (
    "date,visitors,pageviews,visits,views_per_visit,bounce_rate,visit_duration\n"
    "2026-03-01,10,18,11,1.64,40,90\n"
    "2026-03-02,6,7,6,1.17,100,\n"
)
GA4 = """# ----------------------------------------
# Reports snapshot
# Account: Shop
# Property: shop.example
# ----------------------------------------
#
# All Users
# Start date: 20260301
# End date: 20260302
Nth day,Active users
0000,"1,010"
0001,6

# Start date: 20260301
# End date: 20260302
Nth day,New users
0000,4
0001,2

# Start date: 20260301
# End date: 20260302
Nth day,Sessions
0000,1100
0001,7

# Start date: 20260301
# End date: 20260302
Country,Active users
Germany,1016
"""
EXPLORATION = """# ----------------------------------------
# Free form
# 20260301-20260302
# ----------------------------------------

Date,Active users,Total users,Views,Sessions
,1016,1020,25,18,Grand total
20260301,1010,1012,18,11
20260302,6,8,7,7
"""
MATOMO = (
    "date,nb_uniq_visitors,nb_users,nb_visits,nb_actions,nb_visits_converted,bounce_count,sum_visit_length\n"
    "2026-03-01,10,0,11,20,0,4,990\n"
    "2026-03-02,6,0,6,8,0,6,0\n"
)
UMAMI = (
    "website_id,session_id,visit_id,event_id,hostname,url_path,page_title,event_type,event_name,created_at\n"
    'w,s1,v1,e1,shop.example,/,"Menu, ""new""",1,,2026-03-01 10:00:00\n'
    "w,s1,v1,e2,shop.example,/a,A,1,,2026-03-01 10:01:00.123\n"
    "w,s1,v2,e3,shop.example,/a,A,2,signup,2026-03-01 23:30:00\n"
    "w,s2,v3,e4,shop.example,/,A,1,,2026-03-02 12:00:00\n"
)


def read(product, text, zone=UTC, **chosen):
    data = text if isinstance(text, bytes) else text.encode()
    return read_export(product, data, "export.csv", zone, chosen)


def counts(daily):
    order = ("visitors", "page_views", "visits")
    return {day: tuple(values.get(metric) for metric in order) for day, values in daily.days.items()}


def test_plausible() -> None:
    assert counts(read("plausible", PLAUSIBLE)) == {DAY: (10, 18, 11), NEXT: (6, 7, 6)}
    whole = "date,visitors,pageviews,bounces,visits,visit_duration\n2026-03-01,10,18,4,11,990\n"
    assert counts(read("plausible", whole)) == {DAY: (10, 18, 11)}


def test_ga4_has_a_table_for_each_card_and_counts_days_from_the_start_date() -> None:
    daily = read("ga4", GA4)
    assert counts(daily) == {DAY: (1010, None, 1100), NEXT: (6, None, 7)}
    assert daily.columns == {"visitors": "Active users", "visits": "Sessions"}
    assert "engaged session" in daily.notes[0]


def test_a_ga4_exploration_has_its_sum_among_the_days() -> None:
    daily = read("ga4", EXPLORATION)
    assert counts(daily) == {DAY: (1012, 18, 11), NEXT: (8, 7, 7)}
    assert daily.notes == ()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "utf-8-sig"])
def test_matomo_in_its_encodings(encoding) -> None:
    daily = read("matomo", MATOMO.encode(encoding))
    assert counts(daily) == {DAY: (10, 20, 11), NEXT: (6, 8, 6)}
    assert "downloads" in daily.notes[0]


def test_matomo_in_words_and_with_page_views_alone() -> None:
    assert counts(
        read("matomo", "Date,Unique visitors,Visits,Pageviews,Actions\n2026-03-01,10,11,18,20\n")
    ) == {DAY: (10, 18, 11)}
    german = "Datum,Eindeutige Besucher,Besuche\n2026-03-01,10,11\n"
    with pytest.raises(BadExport, match="no column is a day"):
        read("matomo", german)
    german = german.replace("Datum", "date")
    assert counts(read("matomo", german, visitors="eindeutige besucher", visits="#3")) == {
        DAY: (10, None, 11)
    }


def test_umami_s_events_are_counted_in_the_zone_of_its_reports() -> None:
    assert counts(read("umami", UMAMI)) == {DAY: (1, 2, 2), NEXT: (1, 1, 1)}
    assert counts(read("umami", UMAMI, ZoneInfo("Europe/Berlin"))) == {DAY: (1, 2, 1), NEXT: (2, 1, 2)}
    assert read("umami", UMAMI).at_utc


def test_umami_s_answer_and_tables_of_its_own() -> None:
    answer = '{"pageviews":[{"x":"2026-03-01 00:00:00","y":18}],"sessions":[{"x":"2026-03-01","y":10}]}'
    assert counts(read("umami", answer)) == {DAY: (10, 18, None)}
    assert counts(read("umami", "date,pageviews,visitors,visits\n2026-03-01,18,10,11\n")) == {
        DAY: (10, 18, 11)
    }


def test_posthog_has_a_row_per_series() -> None:
    wide = "series,custom name,1-Mar-2026,2-Mar-2026,total\r\n$pageview,Visitors,10.0,6.0,16\r\n"
    wide += "$pageview,Page views,18.0,7.0,25\r\n$pageview,Unique sessions,11,6,17\r\n"
    assert counts(read("posthog", wide)) == {DAY: (10, 18, 11), NEXT: (6, 7, 6)}
    compared = "series,1-Mar-2026\n$pageview - current,18\n$pageview - previous,3\n"
    assert counts(read("posthog", compared)) == {DAY: (None, 18, None)}


def test_posthog_series_of_one_name_are_told_apart_by_their_place() -> None:
    wide = "series,1-Mar-2026,2-Mar-2026\n$pageview,10,6\n$pageview,18,7\n"
    with pytest.raises(BadExport, match=r"several series may be the page views.*--column visitors=#1"):
        read("posthog", wide)
    assert counts(read("posthog", wide, visitors="#1")) == {DAY: (10, 18, None), NEXT: (6, 7, None)}
    both = read("posthog", wide, visitors="#2", page_views="#1")
    assert counts(both) == {DAY: (18, 10, None), NEXT: (7, 6, None)}


def test_posthog_long_and_from_sql() -> None:
    long = "series,day,value\nDAU,2026-03-01,10\n$pageview,2026-03-01,18\nDAU,2026-03-02,6\n"
    assert counts(read("posthog", long)) == {DAY: (10, 18, None), NEXT: (6, None, None)}
    assert counts(read("posthog", "day,visitors,sessions\n2026-03-01,10,11\n")) == {DAY: (10, None, 11)}


@pytest.mark.parametrize(
    ("product", "text", "what"),
    [
        ("ga4", MATOMO, "looks like an export of Matomo: --as matomo"),
        ("matomo", PLAUSIBLE, "looks like an export of Plausible: --as plausible"),
        ("plausible", UMAMI, "looks like an export of Umami: --as umami"),
        ("plausible", GA4, "looks like an export of GA4: --as ga4"),
        ("umami", "series,1-Mar-2026\n$pageview,3\n", "looks like an export of PostHog: --as posthog"),
        ("plausible", "", "it is empty"),
        ("plausible", b"PK\x03\x04rest", "zip or Excel.*visitors.csv"),
        ("ga4", '{"a": 1}', "JSON"),
        ("umami", "x,y\n/menu,3\n", "website_event.csv"),
        ("umami", '{"pageviews": 3}', "no answer of /api"),
        ("plausible", "date,visitors\n2026-03-01,10\n03/02/2026,6\n", "line 3: '03/02/2026' leaves open"),
        ("plausible", "date,visitors\n2026-02-30,10\n", "line 2: '2026-02-30' is no day of the calendar"),
        ("plausible", "date,visitors\n2026-03-01 10:00:00,10\n", "line 2: .* is an hour"),
        ("plausible", "date,visitors\n2026-03-01,ten\n", "line 2 has 'ten'"),
        ("plausible", "date,visitors\n2026-03-01,1\n2026-03-01,2\n", "line 3 is the second of 2026-03-01"),
        ("plausible", "date,visitors\n2026-03-01\n", "line 2 has 1 cells"),
        ("plausible", "date,visitors\n2026-03-02,1\n2026-03-09,2\n2026-03-16,2\n", "its rows are weeks"),
        ("plausible", "date,visitors\n", "no row with a day"),
        ("ga4", "Nth day,Sessions\n0000,3\n", "line 2 counts days from"),
        ("ga4", "Date,Clicks\n20260301,3\n", r"none of its columns is known \(Date, Clicks\)"),
        ("posthog", "series,breakdown,1-Mar-2026\na,b,3\n", "breakdown"),
        ("posthog", "series,1-Mar-2026 10:00\na,3\n", "is an hour"),
        ("posthog", "series,total count\n$pageview,3\n", "totals and no days"),
        ("umami", UMAMI.replace("2026-03-02 12:00:00", "2026-03-02 12:00:00+02"), "row 4: created_at"),
        ("matomo", "No data available", "no column is a day"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_what_to_do(product, text, what) -> None:
    with pytest.raises(BadExport, match=what) as raised:
        read(product, text)
    assert "export.csv" in str(raised.value)
    assert PRODUCTS[product].title in str(raised.value)


@given(
    st.dictionaries(
        st.dates(date(1990, 1, 1), date(2100, 1, 1)),
        st.tuples(*[st.integers(0, 10**9)] * 3),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(
        ["%Y-%m-%d", "%Y%m%d", "%Y-%m-%d 00:00:00", "%d-%b-%Y", "%b %d, %Y", "%Y-%m-%dT00:00:00Z"]
    ),
    st.sampled_from([",", ";", "\t"]),
    st.booleans(),
)
def test_what_is_written_is_read(days, form, delimiter, grouped) -> None:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter)
    writer.writerow(["Date", "Visitors", "Pageviews", "Visits"])
    for day, row in days.items():
        writer.writerow([day.strftime(form), *(f"{value:,}" if grouped else value for value in row)])
    gaps = [after - before for before, after in zip(sorted(days), sorted(days)[1:], strict=False)]
    if len(days) > 2 and min(gaps) >= timedelta(days=7):
        with pytest.raises(BadExport, match="its rows are"):
            read("plausible", written.getvalue())
    else:
        assert counts(read("plausible", written.getvalue())) == days


@given(st.sampled_from(sorted(PRODUCTS)), st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_file_is_read_or_refused(product, data) -> None:
    with suppress(BadExport):
        assert read(product, data).days


@given(st.text(max_size=20))
def test_any_text_is_a_day_or_not(text) -> None:
    with suppress(NotADay):
        assert 1970 <= day_of(text).year <= 2200


def test_days_of_a_zone_have_23_to_25_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    edges = [
        edge.isoformat()
        for pair in bounds_of([date(2026, 3, 29), date(2026, 10, 25)], berlin)
        for edge in pair
    ]
    assert edges[:2] == ["2026-03-28T23:00:00", "2026-03-29T22:00:00"]
    assert edges[2:] == ["2026-10-24T22:00:00", "2026-10-25T23:00:00"]
