"""Addresses taken apart, whatever they are."""

import json
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.enrich.url import Campaign, read_address


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://www.Example.com:443/a", "example.com", "/a"),
        ("http://example.com:8080", "example.com:8080", "/"),
        ("https://example.com?x=1", "example.com", "/"),
        ("https://example.com./#/deep", "example.com", "/"),
        ("https://user:secret@example.com/", "example.com", "/"),
        ("http://[2001:DB8::1]:80/x", "[2001:db8::1]", "/x"),
        ("//cdn.example.com/x.js", "cdn.example.com", "/x.js"),
        ("www.example.com/x", "example.com", "/x"),
        ("localhost:8000/x", "localhost:8000", "/x"),
        ("/only/a/path?q=1", None, "/only/a/path"),
        ("?utm_source=x", None, "/"),
        ("android-app://com.google.android.gm/", "com.google.android.gm", "/"),
        ("file:///C:/x", None, "/C:/x"),
        ("", None, None),
        ("mailto:someone", None, None),
        ("about:blank", None, None),
        ("javascript:alert(1)", None, None),
        ("http://[::1", None, "/"),
        ("http://a b/c", None, "/c"),
    ],
)
def test_host_and_path(url: str, host: str | None, path: str | None) -> None:
    address = read_address(url)
    assert (address.host, address.path) == (host, path)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("/a%20b", "/a b"),
        ("/%DA%A9%D8%AA%D8%A7%D8%A8", "/کتاب"),
        ("/a%2Fb%2fc", "/a%2Fb%2fc"),
        ("/100%25", "/100%25"),
        ("/a%3Fb%23c", "/a%3Fb%23c"),
        ("/a%00b%0Ac", "/a%00b%0Ac"),
        ("/%C3%28", "/%C3%28"),
        ("/%e2%80%ae", "/%e2%80%ae"),
        ("/100%", "/100%"),
        ("/a%2Fb%20c", "/a%2Fb c"),
    ],
)
def test_paths_are_decoded_where_that_is_safe(written: str, read: str) -> None:
    assert read_address(f"https://x.example{written}").path == read


def test_campaign_and_click_id() -> None:
    address = read_address(
        "https://x.example/?a=1&UTM_Source=Spring+News&utm_medium=e%2Dmail&utm_campaign=&gclid=abc&utm_source=2#utm_term=no"
    )
    assert address.campaign == Campaign(source="Spring News", medium="e-mail")
    assert address.click == "gclid"
    assert read_address("https://x.example/?q=utm_source%3Dx&xgclid=1").campaign is None
    assert read_address("https://x.example/?q=1&xgclid=1&gclid=").click is None


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    address = read_address(text)
    assert address.host is None or (
        address.host == address.host.lower() and not set("/?# @") & set(address.host)
    )
    assert address.path is None or "?" not in address.path


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_decoded_path_says_what_was_written(text: str) -> None:
    path = read_address("https://x.example/" + quote(text, safe="")).path
    assert path is not None
    assert unquote(path) == "/" + text
    assert all(character.isprintable() or character in "\u200c\u200d" for character in path)


def test_naughty_strings(shared_data: Path) -> None:
    strings = json.loads((shared_data / "json" / "blns.json").read_text())
    assert len(strings) == 515
    for text in strings:
        read_address(text)
        assert read_address("https://x.example/" + quote(text)).host == "x.example"
