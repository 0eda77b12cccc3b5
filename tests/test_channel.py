"""GA4's default channel group, rule by rule."""

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from footfall.core.enrich.channel import CHANNELS, Landing, Traffic, channel_of, read_traffic
from footfall.core.enrich.url import Campaign, read_address


@pytest.mark.parametrize(
    ("source", "medium", "campaign", "channel"),
    [
        (None, None, None, "Direct"),
        ("(direct)", "(none)", None, "Direct"),
        ("(direct)", "(not set)", None, "Direct"),
        ("google", "cpc", "summer-Cross-Network-1", "Cross-network"),
        ("amazon", "cpc", None, "Paid Shopping"),
        ("anything", "ppc", "spring shop", "Paid Shopping"),
        ("anything", "ppc", "workshop", "Paid Other"),
        ("google", "cpc", None, "Paid Search"),
        ("Bing", "PaidSearch", None, "Paid Search"),
        ("google", "retargeting", None, "Paid Search"),
        ("facebook", "paid_social", None, "Paid Social"),
        ("youtube.com", "cpv", None, "Paid Video"),
        ("youtube.com", "cpc", None, "Paid Video"),
        ("news-site", "banner", None, "Display"),
        ("news-site", "cpm", None, "Display"),
        ("ebay", "link", None, "Organic Shopping"),
        ("blog", "link", "shopping week", "Organic Shopping"),
        ("t.co", "referral", None, "Organic Social"),
        ("anything", "social-network", None, "Organic Social"),
        ("vimeo", "referral", None, "Organic Video"),
        ("anything", "video-ad", None, "Organic Video"),
        ("google", "organic", None, "Organic Search"),
        ("anything", "organic", None, "Organic Search"),
        ("newsletter", "e-mail", None, "Email"),
        ("email", "whatever", None, "Email"),
        ("partner", "affiliates", None, "Affiliates"),
        ("chatgpt.com", "referral", None, "AI Assistant"),
        ("anything", "ai-assistant", None, "AI Assistant"),
        ("blog.example", "referral", None, "Referral"),
        ("podcast", "audio", None, "Audio"),
        ("sms", "x", None, "SMS"),
        ("app", "web-push", None, "Mobile Push Notifications"),
        ("firebase", "x", None, "Mobile Push Notifications"),
        ("foo", "bar", None, "Unassigned"),
        ("foo", None, None, "Unassigned"),
    ],
)
def test_rules(source: str | None, medium: str | None, campaign: str | None, channel: str) -> None:
    assert channel_of(source, medium, campaign) == channel


SHOP = "https://shop.example/"


def visit(url: str | None, referrer: str | None, given: Campaign | None = None) -> Traffic:
    page = read_address(url or "")
    return read_traffic(
        Landing(page.host, page.campaign, page.click), read_address(referrer or "").host, given
    )


@pytest.mark.parametrize(
    ("url", "referrer", "expected"),
    [
        (SHOP, None, ("Direct", "(direct)", "(none)")),
        (SHOP, "https://www.shop.example/cart", ("Direct", "(direct)", "(none)")),
        (SHOP, "not an address", ("Direct", "(direct)", "(none)")),
        (SHOP, "https://www.google.de/", ("Organic Search", "google", "organic")),
        (SHOP, "https://m.facebook.com/", ("Organic Social", "facebook", "referral")),
        (SHOP, "https://youtu.be/x", ("Organic Video", "youtube", "referral")),
        (SHOP, "https://www.amazon.co.uk/", ("Organic Shopping", "amazon", "referral")),
        (SHOP, "https://claude.ai/", ("AI Assistant", "claude", "ai-assistant")),
        (SHOP, "android-app://com.google.android.gm/", ("Email", "gmail", "email")),
        (SHOP, "https://blog.example/post", ("Referral", "blog.example", "referral")),
        (SHOP + "?gclid=1", "https://www.google.de/", ("Paid Search", "google", "cpc")),
        (SHOP + "?msclkid=1", None, ("Paid Search", "bing", "cpc")),
        (SHOP + "?ttclid=1", None, ("Paid Video", "tiktok", "paid")),
        (SHOP + "?fbclid=1", "https://l.facebook.com/", ("Organic Social", "facebook", "social")),
        (SHOP + "?utm_source=fb&utm_medium=paid&fbclid=1", None, ("Paid Social", "fb", "paid")),
        (SHOP + "?utm_medium=email", "https://blog.example/", ("Email", "blog.example", "email")),
        (SHOP + "?utm_source=google", None, ("Organic Search", "google", "organic")),
        (SHOP + "?utm_campaign=cross-network", None, ("Cross-network", None, None)),
    ],
)
def test_where_a_visit_came_from(url: str, referrer: str | None, expected: tuple[str | None, ...]) -> None:
    traffic = visit(url, referrer)
    assert (traffic.channel, traffic.source, traffic.medium) == expected


def test_the_address_goes_before_the_properties_and_these_before_the_referrer() -> None:
    given_by_event = Campaign("newsletter", "email", "spring", "shoes", "top")
    told = visit(SHOP, "https://www.google.de/", given_by_event)
    assert told == ("google.de", "Email", "newsletter", "email", "spring", "shoes", "top")
    by_address = visit(SHOP + "?utm_source=bing&utm_medium=cpc", None, given_by_event)
    assert by_address == (None, "Paid Search", "bing", "cpc", None, None, None)


@hypothesis_given(st.none() | st.text(), st.none() | st.text(), st.none() | st.text())
def test_every_visit_has_a_channel(url: str | None, referrer: str | None, word: str | None) -> None:
    assert visit(url, referrer).channel in CHANNELS
    assert channel_of(word, referrer, url) in CHANNELS
