"""The scrub rules, said once: what each finds, by which source, and how.

``suspect`` is an RE2 pattern over raw JSON bytes that hits wherever ``find`` could: a body that none
hits is clean. ``find`` is exact, on decoded text. The order is the order of work.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from footfall.core.scrub.finders import (
    Finder,
    find_cards,
    find_credentials,
    find_emails,
    find_ibans,
    find_ips,
    find_phones,
    find_secrets,
    find_ssns,
    find_userinfo,
    finder_of,
)
from footfall.core.scrub.names import EMAIL_SUSPECT, PHONE_SUSPECT, SECRET_SUSPECT
from footfall.core.scrub.numbers import IBAN_LENGTHS, cut_address

__all__ = ["RULES", "TOKENS", "Rule", "unknown_rules"]

# API tokens by vendor, each as its vendor documents the prefix (most are in GitHub's secret scanning).
TOKENS: tuple[tuple[str, str], ...] = (
    ("AWS access key id", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"),
    ("GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,251}"),
    ("GitHub fine-grained token", r"github_pat_[A-Za-z0-9_]{22,251}"),
    ("GitLab token", r"gl(?:pat|rt|dt|ptt|ft|soat)-[A-Za-z0-9_-]{20,120}"),
    ("Slack token", r"xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-[0-9]-[A-Za-z0-9-]{10,250}"),
    ("Stripe key", r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,250}|whsec_[A-Za-z0-9]{16,128}"),
    ("Google API key", r"AIza[A-Za-z0-9_-]{35}"),
    ("Google OAuth token", r"ya29\.[A-Za-z0-9_-]{20,1000}"),
    ("SendGrid key", r"SG\.[A-Za-z0-9_-]{16,40}\.[A-Za-z0-9_-]{16,80}"),
    ("Twilio key", r"(?:SK|AC)[0-9a-f]{32}"),
    ("npm token", r"npm_[A-Za-z0-9]{36}"),
    ("PyPI token", r"pypi-AgE[A-Za-z0-9_-]{30,1000}"),
    ("OpenAI key", r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,1000}|sk-[A-Za-z0-9]{32,100}"),
    ("Anthropic key", r"sk-ant-[A-Za-z0-9_-]{20,250}"),
    ("Hugging Face token", r"hf_[A-Za-z]{34}"),
    ("Shopify token", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    ("DigitalOcean token", r"do[opr]_v1_[0-9a-f]{64}"),
)
_TOKEN = "|".join(pattern for _, pattern in TOKENS)
# RE2 copies the body of a bounded repeat as often as it says; a superset needs no upper bound.
_TOKEN_SUSPECT = re.sub(r"\{(\d+),\d+\}", r"{\1,}", _TOKEN)

# Before a number in raw bytes: no letter, no digit, no digit with a point or a dash.
_EDGE = r"(?:^|[^0-9A-Za-z.\-]|(?:^|[^0-9])[.\-])"
_GAP = r"(?:[ +.\-]|\xc2\xa0|\xe2\x80[\x80-\xbf])"
_SOME = r"(?:[ ().+/\-\\]|\xc2\xa0){0,4}"


_IBAN_SUSPECT = "|".join(
    [
        rf"(?:^|[^0-9A-Za-z])(?i:{'|'.join(c for c, own in IBAN_LENGTHS.items() if own == length)})"
        rf"[0-9]{{2}}[0-9A-Za-z]{{{length - 4}}}(?:[^0-9A-Za-z]|$)"
        for length in sorted(set(IBAN_LENGTHS.values()))
    ]
    + [
        rf"(?:^|[^0-9A-Za-z])(?i:{'|'.join(IBAN_LENGTHS)})[0-9]{{2}}"
        r"(?:(?:[ +]|\xc2\xa0)[0-9A-Za-z]{2}|(?:-[0-9A-Za-z]{4}){2}-[0-9A-Za-z]{3,4}(?:[^0-9A-Za-z]|$))"
    ]
)


def _compact(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z]+", "", text).upper()


def _same(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of personal data.

    ``mask`` makes the text that a masked finding becomes (its label by default); ``canonical`` brings
    spellings of one thing together before hashing.
    """

    name: str
    finds: str
    source: str
    suspect: str
    find: Finder
    mask: Callable[[str], str] | None = None
    canonical: Callable[[str], str] = _same


RULES: tuple[Rule, ...] = (
    Rule(
        "pem",
        "Private keys in PEM blocks, to the block's end or the text's.",
        "RFC 7468",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----",
        finder_of(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
    ),
    Rule(
        "jwt",
        "JSON Web Tokens, signed or encrypted, whole.",
        "RFC 7519",
        r"eyJ[A-Za-z0-9_\-]{5}",
        finder_of(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]{5,}+(?:\.[A-Za-z0-9_-]*+){0,3}"),
    ),
    Rule(
        "token",
        "API tokens with a known prefix: " + ", ".join(vendor for vendor, _ in TOKENS) + ".",
        "the vendors' documents, as in GitHub's list of secret scanning patterns",
        _TOKEN_SUSPECT,
        finder_of(rf"(?<![A-Za-z0-9])(?:{_TOKEN})"),
    ),
    Rule(
        "credentials",
        "Values of Bearer and Basic authorization.",
        "RFC 6750, RFC 7617",
        r"(?i)(?:bearer|basic)[ +]",
        find_credentials,
    ),
    Rule(
        "userinfo",
        "User and password before a host: https://user:password@host. Masked as ***, which keeps the "
        "address readable to parsers.",
        "RFC 3986, 3.2.1",
        r':(?:\\?/){2}[^\s/?#"]*@',
        find_userinfo,
        mask=lambda _: "***",
    ),
    Rule(
        "email",
        "E-mail addresses, international ones included; not file names like icon@2x.png.",
        "RFC 5322, RFC 6531",
        r"[^\s]@[0-9A-Za-z\-\x80-\xff][0-9A-Za-z.\-\x80-\xff]*\.[A-Za-z\x80-\xff]|" + EMAIL_SUSPECT,
        find_emails,
        canonical=str.lower,
    ),
    Rule(
        "secret",
        "Values of query parameters and JSON keys named like secrets (token, password, api_key, "
        "signature, ...), and opaque values of code, sid, session, auth, key and state in queries.",
        "OWASP, Information exposure through query strings in URL",
        SECRET_SUSPECT,
        find_secrets,
    ),
    Rule(
        "iban",
        "International bank account numbers whose length and check digits are right.",
        "ISO 13616, ISO 7064",
        _IBAN_SUSPECT,
        find_ibans,
        canonical=_compact,
    ),
    Rule(
        "card",
        "Payment card numbers of 13 to 19 digits, plain or grouped, whose issuer prefix, length and Luhn "
        "digit are right; under names of codes (order_id, sku) only those of 15 or 16 digits.",
        "ISO/IEC 7812-1",
        rf"{_EDGE}(?:4[0-9]|5[0-8]|3[0-9]|6[0-9]|2[2-7]|97|8[12])[0-9]"
        rf"(?:[0-9]{{10,16}}(?:[^0-9A-Za-z]|$)|[0-9]{_GAP}"
        rf"(?:[0-9]{{4}}{_GAP}[0-9]{{4}}{_GAP}|[0-9]{{6}}{_GAP}|[0-9]{{3}}{_GAP}[0-9]{{3}}{_GAP}))",
        find_cards,
        canonical=_compact,
    ),
    Rule(
        "ssn",
        "US Social Security numbers with dashes, in the ranges that are given out; not under names of "
        "codes.",
        "SSA, POMS RM 10201.035",
        r"(?:^|[^0-9A-Za-z_\-])[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}(?:[^0-9]|$)",
        find_ssns,
        canonical=_compact,
    ),
    Rule(
        "phone",
        "Phone numbers: international with +, after tel:, and national forms with separators such as "
        "(555) 123-4567 or 020 7946 0958; a plain run of digits only under the name of a phone.",
        "ITU-T E.164, E.123; NANPA",
        rf"{PHONE_SUSPECT}|\+[1-9](?:{_SOME}[0-9]){{6}}"
        rf"|(?:^|[^0-9A-Za-z])00[1-9][0-9]{{0,2}}[ +\-](?:{_SOME}[0-9]){{6}}"
        r"|(?i:tel|sms|callto|phone|fax|mob)[:.][ +]{0,2}[+(]?[0-9]"
        r"|\([02-9][0-9]{1,4}\)[ +\-]?[0-9]{3}|[2-9][0-9]{2}[ .+\-][0-9]{3}[ .+\-][0-9]{4}"
        r"|(?:^|[^0-9A-Za-z])0[1-9](?:[ .+\-][0-9]{2}){4}"
        r"|(?:^|[^0-9A-Za-z])0[1-9][0-9]{0,3}[ +][0-9]{3}"
        r"|(?:^|[^0-9A-Za-z])0[1-9][0-9]?[ \-][0-9]{4}[ \-][0-9]{4}"
        r"|(?:^|[^0-9A-Za-z])0[1-9][0-9]{1,3}(?:\\?/|-)[0-9]{6,8}(?:[^0-9A-Za-z]|$)",
        find_phones,
        canonical=_compact,
    ),
    Rule(
        "ip",
        "Full IP addresses, cut to their network (/24, /48); not loopback, and not versions.",
        "RFC 791, RFC 4291; the cut as in RFC 6973, 6.1.1",
        r"(?:[0-9]{1,3}\.){3}(?:[1-9]|0[0-9]*[1-9])"
        r"|(?i:[23][0-9a-f]{3}|f[cde][0-9a-f]{2}|::ffff):[0-9a-fA-F:]{2}",
        find_ips,
        mask=cut_address,
    ),
)


def unknown_rules(names: Iterable[str]) -> list[str]:
    """Return the names that are no rule's, sorted."""
    return sorted(set(names) - {rule.name for rule in RULES})
