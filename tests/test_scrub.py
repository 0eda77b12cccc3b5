"""Personal data is gone wherever it was planted, and what only looks like it is untouched."""

import json
from typing import Any, get_args
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from personal import CLEAN, PLANTED, SECRET_KEYS, SECRET_PARAMETERS

from footfall.core.scrub import (
    RULES,
    Action,
    Kind,
    cut_address,
    plan_for,
    scrub_text,
    scrub_tree,
    scrub_values,
    suspect_body,
    unknown_rules,
)
from footfall.core.scrub.numbers import IBAN_LENGTHS, is_card, is_iban
from footfall.core.scrub.suspects import suspect_rules

KEY = b"one installation"
PLAN = plan_for({}, KEY)
EVERY = [(rule, text) for rule, texts in PLANTED.items() for text in texts]
AROUND = st.sampled_from(
    [
        "",
        " ",
        "call ",
        ", then ",
        '"',
        "(",
        ")",
        "\n",
        "é ",
        " 日本 ",
        "/",
        "=",
        "?q=",
        "&",
        "Wert: ",
        "\t",
        "; ",
    ]
)
BEHIND = st.sampled_from(
    ["", " ", ", then", '"', ")", "\n", " é", "&x=1", "#top", "?", "/", "; ", "\t", "!"]
)


def kept(finding: str, text: str) -> bool:
    """Whether the planted text is readable in the other, or the part of a URL that tells."""
    return finding.removeprefix("https://").split("@db")[0] in text


@pytest.mark.parametrize(("rule", "planted"), EVERY)
def test_each_rule_finds_its_own(rule: str, planted: str) -> None:
    scrubbed = scrub_text(planted, "text", PLAN)
    assert not kept(planted, scrubbed)
    own = next(row for row in RULES if row.name == rule)
    assert list(own.find(planted, "text"))
    label = {"ip": None, "userinfo": "***"}.get(rule, f"[{rule}]")
    assert label is None or label in scrubbed


def test_every_rule_has_something_planted() -> None:
    assert set(PLANTED) | {"secret", "credentials"} == {rule.name for rule in RULES}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(EVERY), AROUND, BEHIND, st.integers(0, 2), st.sampled_from(get_args(Kind)))
def test_planted_data_is_gone_at_any_place_and_encoding(
    planted: tuple[str, str], before: str, behind: str, encoded: int, kind: Any
) -> None:
    rule, finding = planted
    if (kind, rule) in {("code", "ssn"), ("code", "phone"), ("code", "card"), ("agent", "ip")}:
        kind = "text"
    text = f"{before}{finding}{behind}"
    for _ in range(encoded):
        text = quote(text, safe="")
    scrubbed = scrub_text(text, kind, PLAN)
    for _ in range(4):
        assert not kept(finding, scrubbed)
        scrubbed = scrubbed.replace("%25", "%") if "%25" in scrubbed else _unquoted(scrubbed)


def _unquoted(text: str) -> str:
    from urllib.parse import unquote

    return unquote(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([text for _, text in EVERY] + list(CLEAN)), min_size=1, max_size=4), AROUND)
def test_scrubbing_twice_is_scrubbing_once(texts: list[str], between: str) -> None:
    text = between.join(texts)
    for action in get_args(Action):
        plan = plan_for({rule.name: action for rule in RULES}, KEY)
        for kind in get_args(Kind):
            once = scrub_text(text, kind, plan)
            assert scrub_text(once, kind, plan) == once
    keep = plan_for({rule.name: "keep" for rule in RULES}, KEY)
    assert scrub_text(text, "text", keep) == text


@pytest.mark.parametrize("clean", CLEAN)
def test_what_only_looks_like_it_is_untouched(clean: str) -> None:
    assert scrub_text(clean, "text", PLAN) == clean
    assert scrub_text(clean, "code", PLAN) == clean
    assert scrub_tree({"a": [clean]}, PLAN) == {"a": [clean]}


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.uuids().map(str),
        st.uuids().map(lambda uuid: uuid.hex),
        st.datetimes().map(str),
        st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
        st.integers(1_000_000_000, 2_000_000_000).map(str),
        st.integers(1_000_000_000_000, 2_000_000_000_000).map(str),
        st.integers(1_000_000_000_000_000, 2_000_000_000_000_000).map(str),
        st.integers(0, 10**12).map(str),
        st.decimals(0, 10**9, places=2).map(str),
        st.floats(-1000, 1000).map(str),
        st.tuples(*[st.integers(0, 99)] * 3).map(lambda parts: ".".join(map(str, parts))),
        st.from_regex(r"ORD-[0-9]{4}-[0-9]{6}", fullmatch=True),
    )
)
def test_ids_times_prices_and_versions_are_untouched(text: str) -> None:
    assert scrub_text(text, "text", PLAN) == text


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.one_of(AROUND, st.sampled_from([text for _, text in EVERY]), st.text(max_size=6)), max_size=5
    )
)
def test_the_quick_look_misses_nothing(parts: list[str]) -> None:
    text = "".join(parts)
    found = {index for index, rule in enumerate(RULES) if list(rule.find(text, "text"))}
    assert found <= set(suspect_rules(text))
    if found:
        for body in (
            msgspec.json.encode([text]),
            json.dumps([text]).encode(),
            json.dumps([text]).replace("/", "\\/").encode(),
        ):
            assert suspect_body(body)


@pytest.mark.parametrize("name", SECRET_PARAMETERS)
def test_parameters_named_like_secrets_are_masked(name: str) -> None:
    for url in (f"https://x.example/?a=1&{name}=h&b=2", f"{name}=h&b=2", f"https://x.example/#{name}=h"):
        assert scrub_text(url, "url", PLAN) == url.replace("=h", "=[secret]")
    assert "hunter" not in scrub_text(f"/go?next=%2Fin%3F{name}%3Dhunter%26a%3D1", "url", PLAN)


@pytest.mark.parametrize("name", SECRET_KEYS)
def test_keys_named_like_secrets_are_masked(name: str) -> None:
    tree = scrub_tree({"a": [{name: "h1"}], name: {"x": ["deep", 7]}}, PLAN)
    assert tree == {"a": [{name: "[secret]"}], name: {"x": ["[secret]", 7 if name == "x" else "[secret]"]}}


def test_names_give_numbers_their_meaning() -> None:
    tree = {
        "phone": "5551234567",
        "mobile": 5551234567,
        "order_id": "555-123-4567",
        "app_version": "4.12.0.3",
    }
    assert scrub_tree(tree, PLAN) == tree | {"phone": "[phone]", "mobile": "[phone]"}
    assert scrub_tree({"phone": "iPhone 15", "mobile": True}, PLAN) == {
        "phone": "iPhone 15",
        "mobile": True,
    }
    assert scrub_tree({"sku": 4512345678906}, PLAN) == {"sku": 4512345678906}
    assert scrub_tree([4111111111111111, 4111111111111111.0, 42, 0.5], PLAN) == [
        "[card]",
        "[card]",
        42,
        0.5,
    ]
    assert scrub_text("code=4/0AX4XfWh-0123456789abcdef", "url", PLAN) == "code=[secret]"


def test_keys_of_objects_are_scrubbed_and_stay_apart() -> None:
    assert scrub_tree({"a@b.de": 1, "c@d.de": 2}, PLAN) == {"[email]": 1, "[email] 2": 2}
    taken = {"a@b.de": 1, "[email]": 2, "c@d.de": 3}
    assert scrub_tree(taken, PLAN) == {"[email] 2": 1, "[email]": 2, "[email] 3": 3}
    many = {f"a{number}@b.de": number for number in range(5_000)}  # seconds if it were not linear
    assert list(scrub_tree(many, PLAN).values()) == list(range(5_000))


def test_authorization_values() -> None:
    assert (
        scrub_text("Authorization: Basic dXNlcjpwYXNz", "text", PLAN)
        == "Authorization: Basic [credentials]"
    )
    assert scrub_text("bearer abcdef0123456789.x", "text", PLAN) == "bearer [credentials]"
    assert scrub_text("basic aWRlYXM=", "text", PLAN) == "basic aWRlYXM="


def test_actions_and_identity_fields() -> None:
    text = "mail jane@x.com now"
    assert scrub_text(text, "text", plan_for({"email": "drop"}, KEY)) == "mail  now"
    assert scrub_text(text, "text", plan_for({"email": "keep"}, KEY)) == text
    hashed = scrub_text(text, "text", plan_for({"email": "hash"}, KEY))
    assert hashed.startswith("mail email:")
    jane, jane_too, joe = scrub_values(["jane@x.com", "JANE@X.com", "joe@x.com"], "id", PLAN)
    assert jane == jane_too != joe
    assert jane != scrub_text("jane@x.com", "id", plan_for({}, b"another key"))
    assert scrub_values([None, "a"], "id", PLAN) == [None, "a"]
    assert scrub_text("jane@x.com", "id", plan_for({"email": "mask"}, KEY)) == "[email]"


def test_plans_are_shared_and_unknown_rules_are_named() -> None:
    assert plan_for({"ip": "keep"}, KEY) is plan_for({"ip": "keep"}, KEY)
    assert unknown_rules(["email", "e-mail", "zip"]) == ["e-mail", "zip"]
    with pytest.raises(ValueError, match="no scrub rule zip"):
        plan_for({"zip": "mask"}, KEY)
    with pytest.raises(ValueError, match="64 bytes"):
        plan_for({}, b"")


@pytest.mark.parametrize(
    ("url", "scrubbed"),
    [
        ("https://jane:pw@h.example/x", "https://***@h.example/x"),
        ("https://jane@x.com/", "https://***@x.com/"),
        ("http://203.0.113.7:8080/a", "http://203.0.113.0:8080/a"),
        ("http://[2001:db8:1:2::5]/a", "http://[2001:db8:1::]/a"),
        ("/lookup/203.0.113.7", "/lookup/203.0.113.0"),
        ("mailto:jane@x.com?subject=Hi", "mailto:[email]?subject=Hi"),
        ("/a?e=jane%40x.com&b=%C3%A9", "/a?e=[email]&b=%C3%A9"),
        ("/a?e=jane%2540x.com", "/a?e=[email]"),
        ("/a?e=j%61ne%40x%2Ecom#tel:0171123456", "/a?e=[email]#tel:[phone]"),
        ("/a?tel=%2B49%20171%201234567", "/a?tel=[phone]"),
        ("/a?q=4111+1111+1111+1111", "/a?q=[card]"),
        ("/u/%6a%61%6e%65%40x.com/edit", "/u/[email]/edit"),
    ],
)
def test_addresses_stay_readable(url: str, scrubbed: str) -> None:
    assert scrub_text(url, "url", PLAN) == scrubbed


@pytest.mark.parametrize(
    ("agent", "scrubbed"),
    [
        ("Bot/1.0 (203.0.113.7; a@b.de)", "Bot/1.0 (203.0.113.0; [email])"),
        ("Bot/1.0 203.0.113.7", "Bot/1.0 203.0.113.0"),
        ("Bot/1.0 (+http://20.3.113.7/)", "Bot/1.0 (+http://20.3.113.0/)"),
        ("The Bat! 4.0.0.22", "The Bat! 4.0.0.22"),
        ("Nokia6230 UP.Browser/6.2.3.3.c.1.101 UP.Link/5.1.2.6", None),
        ("Safari/533.1/UCBrowser/8.3.0.143/145/444 PadFone-10.14.5.5-20131209", None),
    ],
)
def test_versions_in_user_agents_are_no_addresses(agent: str, scrubbed: str | None) -> None:
    assert scrub_text(agent, "agent", PLAN) == (scrubbed or agent)
    assert scrub_tree({"user_agent": agent}, PLAN) == {"user_agent": scrubbed or agent}


def test_no_version_of_a_known_user_agent_is_cut(shared_data: Any) -> None:
    known = json.loads(
        (shared_data / "user-agents" / "crawler-user-agents.json").read_text(encoding="utf-8")
    )
    agents = [agent for crawler in known for agent in crawler["instances"]]
    keep = plan_for({"email": "keep"}, KEY)
    changed = {agent for agent in agents if scrub_text(agent, "agent", keep) != agent}
    assert {agent for agent in changed if "http://1" not in agent and "https://1" not in agent} == set()
    assert len(changed) == 1


def test_numbers_prove_themselves() -> None:
    assert is_card("4111111111111111")
    assert not is_card("4111111111111112")
    assert not is_card("0000000000000000")
    assert not is_card("4006381333931")  # an EAN-13
    assert is_iban("DE89370400440532013000")
    assert not is_iban("DE89370400440532013001")
    assert not is_iban("XX89370400440532013000")
    assert len(IBAN_LENGTHS) > 80
    assert cut_address("203.0.113.7") == "203.0.113.0"
    assert cut_address("::ffff:203.0.113.7") == "203.0.113.0"
    assert cut_address("2001:db8:1:2::5") == "2001:db8:1::"


HOSTILE = [
    "a",
    "@",
    "a@",
    "a@a.",
    "1-",
    "eyJ",
    "%25",
    "::",
    "2001:",
    "?a=",
    "DE89",
    "+1",
    "'a",
    "http://",
    "%41",
    "?sid=",
    "1.1.",
    "?phone=1",
    "0",
    "+(",
    "eyJ.",
    '"a":',
]


@pytest.mark.parametrize("unit", [*HOSTILE, "1 ", "4111 ", "bearer ", "?token= "])
def test_long_hostile_text_takes_linear_time(unit: str) -> None:
    import time

    def seconds(size: int) -> float:
        text = (unit * size)[:size]
        start = time.process_time()
        scrub_text(text, "text", PLAN)
        return time.process_time() - start

    assert seconds(100_000) < 1.5


def test_naughty_strings_survive(shared_data: Any) -> None:
    strings = json.loads((shared_data / "json" / "blns.json").read_text(encoding="utf-8"))
    changed = {
        text: scrub_text(text, "text", PLAN) for text in strings if scrub_text(text, "text", PLAN) != text
    }
    assert changed == {}
