"""Checks of numbers that carry their own proof: payment cards, IBANs, and addresses of the net.

Each takes the digits that a rule's pattern found and says whether they are the thing itself.
"""

import re
from ipaddress import AddressValueError, IPv6Address, ip_network

__all__ = ["IBAN_LENGTHS", "cut_address", "is_card", "is_iban"]

# ISO/IEC 7812-1: issuer prefixes as (lowest, highest, lengths), as the networks publish them.
_ISSUERS: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (4, 4, (13, 16, 19)),  # Visa
    (51, 55, (16,)),  # Mastercard
    (2221, 2720, (16,)),  # Mastercard
    (34, 34, (15,)),  # American Express
    (37, 37, (15,)),  # American Express
    (6011, 6011, (16, 19)),  # Discover
    (644, 649, (16, 19)),  # Discover
    (65, 65, (16, 19)),  # Discover, RuPay, Elo
    (300, 305, (14, 16)),  # Diners Club
    (3095, 3095, (14, 16)),  # Diners Club
    (36, 36, (14, 16)),  # Diners Club
    (38, 39, (14, 16)),  # Diners Club
    (3528, 3589, (16,)),  # JCB
    (62, 62, (16, 17, 18, 19)),  # UnionPay
    (81, 82, (16,)),  # RuPay, UnionPay
    (2200, 2204, (16,)),  # Mir
    (50, 50, (16, 18, 19)),  # Maestro
    (56, 58, (16, 18, 19)),  # Maestro
    (63, 63, (16, 18, 19)),  # Maestro
    (67, 67, (16, 18, 19)),  # Maestro
    (9792, 9792, (16,)),  # Troy
)

# ISO 13616, the SWIFT IBAN registry: length by country.
IBAN_LENGTHS: dict[str, int] = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FK FI FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}


def is_card(digits: str) -> bool:
    """Return whether 13 to 19 digits are a payment card's number (ISO/IEC 7812: issuer and Luhn).

    Thirteen digits that are also a valid EAN-13 (GS1) are a product, not a retired Visa card.
    """
    length = len(digits)
    if not any(
        length in lengths and low <= int(digits[: len(str(low))]) <= high for low, high, lengths in _ISSUERS
    ):
        return False
    if len(set(digits)) == 1 or _luhn(digits) % 10:
        return False
    return not (length == 13 and sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10 == 0)


def _luhn(digits: str) -> int:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return sum(map(int, digits[-1::-2])) + sum(doubled)


def is_iban(compact: str) -> bool:
    """Return whether upper-case letters and digits are an IBAN (ISO 13616: length, ISO 7064 mod 97-10)."""
    if len(compact) != IBAN_LENGTHS.get(compact[:2]):
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


_V4_TAIL = re.compile(r"\.\d+$")


def cut_address(address: str) -> str:
    """Return the address's network, /24 of IPv4 or /48 of IPv6; text that is no address as it is.

    IPv4 keeps its own spelling: ``203.0.113.7`` becomes ``203.0.113.0``.
    """
    if ":" not in address:
        return _V4_TAIL.sub(".0", address)
    try:
        mapped = IPv6Address(address).ipv4_mapped
    except AddressValueError:
        return address
    if mapped:
        return str(ip_network((mapped, 24), strict=False).network_address)
    return str(ip_network((address, 48), strict=False).network_address)
