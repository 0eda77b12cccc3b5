"""The shipped tables: countries, traffic sources, click ids."""

import json
from pathlib import Path

import pytest

from footfall.core.reference import (
    click_ids,
    continent_of,
    countries,
    country_code,
    source_of_host,
    source_of_word,
)


def test_all_249_countries_with_unique_codes() -> None:
    table = countries()
    assert len(table) == 249
    for field in ("alpha2", "alpha3", "m49", "name"):
        assert len({getattr(country, field) for country in table}) == 249
    assert {country.continent for country in table} == {"AF", "AN", "AS", "EU", "NA", "OC", "SA"}
    assert all(len(country.m49) == 3 and country.m49.isdigit() for country in table)


def test_no_word_stands_for_two_countries() -> None:
    for country in countries():
        words = (
            country.alpha2,
            country.alpha3,
            country.m49,
            str(int(country.m49)),
            country.name,
            *country.also,
        )
        assert {country_code(word) for word in words} == {country.alpha2}


def test_namibia_and_north_america_are_not_missing_values() -> None:
    assert [country_code(word) for word in ("NA", "na", "NAM", "516", "Namibia")] == ["NA"] * 5
    assert continent_of("NA") == "AF"
    assert continent_of("US") == "NA"


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("de", "DE"),
        ("DEU", "DE"),
        ("276", "DE"),
        ("8", "AL"),
        ("008", "AL"),
        ("  united   KINGDOM ", "GB"),
        ("Côte d'Ivoire", "CI"),
        ("türkiye", "TR"),
        ("Kosovo", "XK"),
        ("", None),
        ("999", None),
        ("Atlantis", None),
        ("n/a", None),
    ],
)
def test_country_words(word: str, code: str | None) -> None:
    assert country_code(word) == code


def test_continents_agree_with_maxmind(shared_data: Path) -> None:
    blocks = json.loads((shared_data / "geo" / "GeoIP2-Country-Test.json").read_text())
    checked = 0
    for block in blocks:
        for entry in block.values():
            if "country" in entry and "continent" in entry:
                assert continent_of(entry["country"]["iso_code"]) == entry["continent"]["code"]
                checked += 1
    assert checked > 300


@pytest.mark.parametrize(
    ("host", "category", "name"),
    [
        ("google.de", "search", "google"),
        ("google.co.uk", "search", "google"),
        ("fr.search.yahoo.com", "search", "yahoo"),
        ("l.facebook.com", "social", "facebook"),
        ("amazon.com.br", "shopping", "amazon"),
        ("smile.amazon.co.uk", "shopping", "amazon"),
        ("m.youtube.com", "video", "youtube"),
        ("chat.openai.com", "ai", "chatgpt"),
        ("gemini.google.com", "ai", "gemini"),
        ("shopping.google.com", "shopping", "google-shopping"),
    ],
)
def test_hosts_of_known_sources(host: str, category: str, name: str) -> None:
    assert source_of_host(host) == (category, name)


@pytest.mark.parametrize(
    "host", ["mail.google.com", "google", "notgoogle.com", "google.evil.example", "com", "", ".."]
)
def test_hosts_that_only_look_like_them(host: str) -> None:
    assert source_of_host(host) is None


def test_utm_sources_are_words_or_hosts() -> None:
    assert source_of_word(" Facebook ") == ("social", "facebook")
    assert source_of_word("www.bing.com") == ("search", "bing")
    assert source_of_word("my-newsletter") is None


def test_click_ids_lead_to_known_sources() -> None:
    assert all(source_of_word(click.source) for click in click_ids().values())
    assert click_ids()["gclid"].medium == "cpc"
