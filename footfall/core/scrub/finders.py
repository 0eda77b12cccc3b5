"""How each rule finds its spans in decoded text; ``rules`` says which rule uses which.

Every pattern runs in time linear in the text: repeats are bounded or possessive, or begin only where
a run of their own characters begins.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from functools import cache
from ipaddress import AddressValueError, IPv6Address, ip_network

from footfall.core.scrub.names import meaning_of
from footfall.core.scrub.numbers import IBAN_LENGTHS, is_card, is_iban
from footfall.core.scrub.traces import Kind, is_scrubbed

__all__ = [
    "Finder",
    "Span",
    "find_cards",
    "find_credentials",
    "find_emails",
    "find_ibans",
    "find_ips",
    "find_phones",
    "find_secrets",
    "find_ssns",
    "find_userinfo",
    "finder_of",
    "rule_by_name",
]

Span = tuple[int, int]
Finder = Callable[[str, Kind], Iterator[Span]]

# What may stand between groups of digits; RE2's superset of it is in ``rules``.
_GAP = "[ +.\u00a0\u2009\u202f\u2010-\u2015-]"
_NO_DIGITS_BEFORE = r"(?<![0-9A-Za-z])(?<![0-9][.-])"
_NO_DIGITS_AFTER = r"(?![0-9A-Za-z])(?![.-][0-9])"


def finder_of(pattern: str, flags: int = 0) -> Finder:
    """Return a finder of all matches of a pattern."""
    compiled = re.compile(pattern, flags)

    def find(text: str, _kind: Kind) -> Iterator[Span]:
        for match in compiled.finditer(text):
            yield match.span()

    return find


# A local part is anything but white space and RFC 5322's specials, and what ends a word in a URL.
_LOCAL = '[^\\s\\x00-\\x20\\x7f"(),:;<>@\\[\\\\\\]/?&=#{}|^`~*!$]'
_LABEL = r"[^\s\x00-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]"
_EMAIL = re.compile(
    rf"(?<!{_LOCAL.replace('`', chr(39) + '`')}){_LOCAL}{{1,320}}@(?:{_LABEL}{{1,63}}\.)+"
    r"[^\W\d_](?:[A-Za-z0-9-]{0,61}[^\W_]|[^\W\d_])"
)
_RETINA = re.compile(r"@[1-9](?:\.\d)?x\.[A-Za-z]+$")


def find_emails(text: str, _kind: Kind) -> Iterator[Span]:
    """RFC 5322 addresses without quoted local parts, RFC 6531 letters included; not ``icon@2x.png``."""
    for match in _EMAIL.finditer(text):
        if not _RETINA.search(match.group()):
            yield match.span()
    yield from _parameters(text, "email")


_CARD_PLAIN = re.compile(rf"{_NO_DIGITS_BEFORE}[0-9]{{13,19}}{_NO_DIGITS_AFTER}")
_CARD_GROUPED = re.compile(
    rf"{_NO_DIGITS_BEFORE}(?:"
    rf"([0-9]{{4}}({_GAP})[0-9]{{4}}\2[0-9]{{4}}\2[0-9]{{4}})(?:\2[0-9]{{1,3}}(?![0-9]))?"
    rf"|(3[0-9]{{3}}({_GAP})[0-9]{{6}}\4[0-9]{{4,5}})"
    rf"|(4[0-9]{{3}}({_GAP})[0-9]{{3}}\6[0-9]{{3}}\6[0-9]{{3}})"
    rf"){_NO_DIGITS_AFTER}"
)
_NOT_DIGITS = re.compile(r"[^0-9]+")


def find_cards(text: str, kind: Kind) -> Iterator[Span]:
    """Card numbers, plain or in their usual groups; in codes only of the common 15 or 16 digits."""
    for match in _CARD_PLAIN.finditer(text):
        digits = match.group()
        if is_card(digits) and (kind != "code" or len(digits) in (15, 16)):
            yield match.span()
    for match in _CARD_GROUPED.finditer(text):
        group = next(index for index in (1, 3, 5) if match.group(index))
        for span in (match.span(), match.span(group)):
            if is_card(_NOT_DIGITS.sub("", text[slice(*span)])):
                yield span
                break


_IBAN = re.compile(r"(?<![0-9A-Za-z])([A-Za-z]{2})[0-9]{2}(?=[ +\u00a0-]?[0-9A-Za-z])")
_NOT_ALNUM = re.compile(r"[^0-9A-Za-z]+")


@cache
def _iban_of(length: int) -> re.Pattern[str]:
    groups, rest = divmod(length, 4)
    dashed = rf"[0-9A-Za-z]{{4}}(?:-[0-9A-Za-z]{{4}}){{{groups - 1}}}" + (
        rf"-[0-9A-Za-z]{{{rest}}}" if rest else ""
    )
    plain = rf"[0-9A-Za-z]{{{length}}}"
    spaced = rf"[0-9A-Za-z]{{4}}[ +\u00a0][0-9A-Za-z](?:[ +\u00a0]?[0-9A-Za-z]){{{length - 5}}}"
    return re.compile(rf"(?:{plain}|{spaced}|{dashed})(?![0-9A-Za-z])")


def find_ibans(text: str, _kind: Kind) -> Iterator[Span]:
    """ISO 13616 numbers, plain or in groups, in any case."""
    for match in _IBAN.finditer(text):
        length = IBAN_LENGTHS.get(match.group(1).upper())
        found = _iban_of(length).match(text, match.start()) if length else None
        if found and is_iban(_NOT_ALNUM.sub("", found.group()).upper()):
            yield found.span()


_PHONE_EDGE = r"(?![0-9A-Za-z_])(?![.:-][0-9])"
_NO_DATE = r"(?![0-9]{4}-[0-9]{2}-[0-9]{2})"
_PHONE_TELLING = re.compile(
    r"(?<!\w)\+{1,2}[1-9](?:[ ().+/\u00a0-]{0,3}[0-9]){6,17}" + _PHONE_EDGE + "|"
    rf"(?<!\w)(?<!\w[.+/-]){_NO_DATE}"
    r"00[1-9][0-9]{0,2}[ +](?:[ ().+/-]{0,2}[0-9]){6,14}" + _PHONE_EDGE + "|"
    r"(?i:(?<!\w)(?:tel|sms|callto|phone|fax|mob)[:.][ +]{0,2})([+(]?[0-9](?:[ ().+/-]{0,2}[0-9]){5,16})"
)
_PHONE_NATIONAL = re.compile(
    r"(?<![0-9A-Za-z_])(?<![0-9][.+/-])(?<![A-Za-z]-)(?:"
    # North American Numbering Plan: (555) 123-4567, 555-123-4567, 1-555-123-4567.
    r"(?:\+?1[ .+-])?(?:\([2-9][0-9]{2}\)[ +-]?|[2-9][0-9]{2}[ .+-])[0-9]{3}[ .+-][0-9]{4}"
    # France and alike: 06 12 34 56 78.
    r"|0[1-9](?:([ .+-])[0-9]{2})(?:\1[0-9]{2}){3}"
    # A trunk zero and groups: 020 7946 0958, 0171 1234567, (030) 123456, 03-1234-5678.
    r"|\(0[1-9][0-9]{0,3}\)[ +-]?[0-9]{3,8}(?:[ +-][0-9]{2,5})?"
    r"|0[1-9][0-9]{0,3}[ +][0-9]{3,8}(?:[ +][0-9]{3,5})?"
    r"|0[1-9][0-9]?[ -][0-9]{4}[ -][0-9]{4}"
    r"|(?<!/)0[1-9][0-9]{1,3}[/-][0-9]{6,8}"
    r")" + _PHONE_EDGE + "(?!/[0-9])"
)


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def find_phones(text: str, kind: Kind) -> Iterator[Span]:
    """E.164 numbers with their plus, numbers after ``tel:``, and national forms with separators.

    A plain run of digits is never a phone, nor is a national form under the name of a code.
    """
    yield from _parameters(text, "phone")
    for match in _PHONE_TELLING.finditer(text):
        if 8 <= _digits(match.group()) <= 17 or match.group(1):
            yield match.span(1) if match.group(1) else match.span()
    if kind != "code":
        for match in _PHONE_NATIONAL.finditer(text):
            if 9 <= _digits(match.group()) <= 12:
                yield match.span()


_SSN = re.compile(
    r"(?<![\w-])(?<![0-9][.])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w-])(?![.][0-9])"
)


def find_ssns(text: str, kind: Kind) -> Iterator[Span]:
    """US Social Security numbers with dashes, in the ranges that the SSA gives out; not in codes."""
    if kind != "code":
        yield from (match.span() for match in _SSN.finditer(text))


_OCTET = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
_V4 = re.compile(rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?![\w])(?!\.[0-9])")
_V6 = re.compile(
    r"(?<![\w:.])(?:[23][0-9A-Fa-f]{3}|[fF][c-eC-E][0-9A-Fa-f]{2}|::[fF]{4}):[0-9A-Fa-f:]{2,40}(?![\w])"
)
# A version says so: Chrome/91.0.1.2, version 1.2.3.4. A path (/lookup/203.0.113.7) does not.
_VERSION_BEFORE = re.compile(
    r"(?:(?:^|[\s(;,+])[A-Za-z][\w+-]{0,40}/|\b(?:v|ver|version|release|build|rv)[ .:=]{0,2})$", re.I
)
_HOST_BEFORE = re.compile(r"(?:^|://|[(=\[\"])$")
_WORD_BEFORE = re.compile(r"[\s;,]$")
OLDEST_AGENT = 64  # in agents, lower first numbers of four behind a blank are versions: The Bat! 4.0.0.22
_UNCUTTABLE = {0, 127} | set(range(224, 256))


def find_ips(text: str, kind: Kind) -> Iterator[Span]:
    """Full addresses: IPv4 that does not end in .0, IPv6 with bits behind its /48.

    Loopback, multicast and masks are nobody's, and versions (``Chrome/91.0.1.2``) are not addresses.
    """
    for match in _V4.finditer(text):
        parts = match.group().split(".")
        if int(parts[3]) == 0 or int(parts[0]) in _UNCUTTABLE:
            continue
        before = text[max(0, match.start() - 44) : match.start()]
        if kind == "agent":
            version = not _HOST_BEFORE.search(before) and (
                int(parts[0]) < OLDEST_AGENT
                or _VERSION_BEFORE.search(before)
                or not _WORD_BEFORE.search(before)
            )
        else:
            version = kind != "url" and bool(_VERSION_BEFORE.search(before))
        if not version:
            yield match.span()
    for match in _V6.finditer(text):
        found = match.group()
        found = found if found.endswith("::") else found.rstrip(":")
        try:
            address = IPv6Address(found)
        except AddressValueError:
            continue
        if address != ip_network((address, 48), strict=False).network_address:
            yield match.start(), match.start() + len(found)


_AUTHORIZATION = re.compile(r"(?<![A-Za-z0-9])(?i:(bearer|basic))[ +]{1,3}([A-Za-z0-9._~+/=-]{8,4096})")


def find_credentials(text: str, _kind: Kind) -> Iterator[Span]:
    """RFC 6750 bearer tokens (16 characters with a digit, or more), RFC 7617 Basic ``user:password``."""
    for match in _AUTHORIZATION.finditer(text):
        value = match.group(2)
        if match.group(1).lower() == "bearer":
            if len(value) >= 16 and any(char.isdigit() for char in value):
                yield match.span(2)
            continue
        try:
            decoded = base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
        except binascii.Error:
            continue
        if b":" in decoded and decoded.isascii() and decoded.decode("ascii").isprintable():
            yield match.span(2)


_USERINFO = re.compile(r"(?<=://)[^\s/?#\"'<>\\@]{1,1024}(?:@[^\s/?#\"'<>\\@]{1,1024}){0,8}(?=@)")


def find_userinfo(text: str, _kind: Kind) -> Iterator[Span]:
    """RFC 3986 ``user:password@`` before a host."""
    yield from (match.span() for match in _USERINFO.finditer(text) if match.group() != "***")


_PARAMETER = re.compile(r"(?:^|(?<=[?&;#]))([\w.\-\[\]]{1,64})=", re.ASCII)
# Only what surely goes may hold another query: what is looked at in vain must not be looked at twice.
_SECRET_VALUE = re.compile(r"[^&#;\s\"'<>]+")
_VALUE = re.compile(r"[^&#;?\s\"'<>]+")
_PHONE_VALUE = re.compile(r"(?:[+(]|%2[bB8])*[0-9][0-9 ().+/%-]*")


def _parameters(text: str, rule: str) -> Iterator[Span]:
    # Names are looked for inside values too: a decoded address may hold another with its own query.
    end = 0
    for match in _PARAMETER.finditer(text) if "=" in text else ():
        meaning = meaning_of(match.group(1), query=True)
        if match.start() < end or not meaning:
            continue
        value = (_SECRET_VALUE if meaning == "secret" else _VALUE).match(text, match.end())
        if value and rule_by_name(match.group(1), value.group(), query=True) == rule:
            end = value.end()
            yield value.span()


def find_secrets(text: str, _kind: Kind) -> Iterator[Span]:
    """Values of query parameters that are named like secrets (``names``)."""
    return _parameters(text, "secret")


def rule_by_name(name: str, value: str, *, query: bool = False) -> str | None:
    """Return the rule by which a value goes because of its name: secret, email, phone or None."""
    meaning = meaning_of(name, query=query)
    if not meaning or is_scrubbed(value):
        return None
    if meaning == "secret":
        return "secret"
    if meaning == "opaque" and len(value) >= 16 and any(char.isdigit() for char in value):
        return "secret"
    if meaning == "email" and query and "@" in value:
        return "email"
    if meaning == "phone" and 7 <= _digits(value) <= 22 and _PHONE_VALUE.fullmatch(value):
        return "phone"
    return None
