"""Names that tell what their value is: secret-named parameters and keys, phones, and codes.

A name is compared in lower case without separators: ``X-Api-Key``, ``apiKey`` and ``api_key`` are one.
"""

import re
from functools import lru_cache
from typing import Literal

__all__ = ["EMAIL_SUSPECT", "PHONE_SUSPECT", "SECRET_SUSPECT", "Meaning", "meaning_of"]

Meaning = Literal["secret", "opaque", "email", "phone", "code", "version", "agent", ""]
"""``secret``: whatever stands there; ``opaque``: only what looks like a key (16 characters or more, with
a digit), for names that also have innocent uses; ``code``: an id or article number; ``version``;
``agent``: a user agent."""

# In query parameters and in JSON keys alike.
_SECRET_ENDINGS = (
    "token",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "authkey",
    "accesskeyid",
)
_SECRET = {
    "authorization",
    "cardcode",
    "cardnumber",
    "ccnumber",
    "cookie",
    "creditcard",
    "creditcardnumber",
    "csrf",
    "cvc",
    "cvv",
    "jwt",
    "otp",
    "pw",
    "setcookie",
    "socialsecuritynumber",
    "ssn",
}
# Only in query parameters: as JSON keys these are everyday words of analytics.
_SECRET_QUERY = {"hmac", "jsessionid", "pass", "phpsessid", "sessid", "sessionid", "sig", "signature"}
_SECRET_QUERY |= {"xamzcredential", "xamzsignature", "xgoogsignature", "xgoogcredential", "awsaccesskeyid"}
_OPAQUE_QUERY = {"auth", "code", "key", "session", "sid", "state"}
_EMAIL = {"email", "emailaddress", "mail", "useremail", "mailaddress"}
_PHONE = {
    "cell",
    "cellphone",
    "fax",
    "mobile",
    "mobilenumber",
    "mobilephone",
    "msisdn",
    "phone",
    "phonenumber",
    "tel",
    "telephone",
    "telephonenumber",
    "whatsapp",
}
_CODE = re.compile(
    r"(?:id|ids|sku|skus|gtin|ean|upc|isbn|asin|mpn|barcode|(?:order|product|item|article|invoice|serial|"
    r"tracking|reference|part|model)(?:no|nr|number|code)|hash|uuid|guid|timestamp|ts)$"
)
_AGENT = {"ua", "useragent"}
_VERSION = re.compile(r"(?:version|ver|build|release|firmware)$")
_SEPARATORS = re.compile(r"[\s_.\-\[\]]+")


@lru_cache(maxsize=8192)
def _meaning(name: str, query: bool) -> Meaning:
    plain = _SEPARATORS.sub("", name).lower()
    if plain in _SECRET or plain.endswith(_SECRET_ENDINGS) or (query and plain in _SECRET_QUERY):
        return "secret"
    if query and plain in _OPAQUE_QUERY:
        return "opaque"
    if plain in _EMAIL:
        return "email"
    if plain in _PHONE:
        return "phone"
    if plain in _AGENT:
        return "agent"
    if _VERSION.search(plain):
        return "version"
    return "code" if _CODE.search(plain) else ""


def meaning_of(name: str, *, query: bool = False) -> Meaning:
    """Return what a JSON key's (or with ``query`` a query parameter's) name says of its value."""
    return _meaning(name, query) if len(name) <= 64 and name.isascii() else ""


def _suspect(names: set[str], follow: str) -> str:
    # A superset for RE2 over raw bytes: a name that ends so, with separators anywhere in it.
    gap = r"[\s_.\-\[\]]*"
    return f"(?i)(?:{'|'.join(gap.join(name) for name in sorted(names))}){gap}{follow}"


SECRET_SUSPECT = "|".join(
    (
        _suspect({*_SECRET_ENDINGS, *_SECRET}, r'"\s*:'),
        _suspect({*_SECRET_ENDINGS, *_SECRET, *_SECRET_QUERY, *_OPAQUE_QUERY}, "="),
    )
)
EMAIL_SUSPECT = _suspect(_EMAIL, r"=[^&#;\s]*@")
PHONE_SUSPECT = _suspect(_PHONE, r'(?:=|"\s*:)')
