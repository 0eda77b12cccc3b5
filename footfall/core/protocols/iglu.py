"""Snowplow's self-describing JSON: how it is unpacked, and what of its schemas fills our columns.

A value is ``{"schema": "iglu:VENDOR/NAME/jsonschema/MODEL-REVISION-ADDITION", "data": ...}``: the event
itself (``unstruct_event``) or one of the entities beside it (``contexts``).
https://docs.snowplow.io/docs/fundamentals/schemas/ and https://github.com/snowplow/iglu-central
"""

import base64
import binascii
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from footfall.core.protocols.exchange import Unheard
from footfall.core.protocols.mapping import Field, number, text
from footfall.core.protocols.reading import json_value

__all__ = [
    "COLUMNS",
    "ECOMMERCE",
    "ITEM",
    "Described",
    "amount",
    "columns_of",
    "decoded",
    "described",
    "items_of",
]

_URI = re.compile(r"iglu:([A-Za-z0-9._-]+)/([A-Za-z0-9_-]+)/[A-Za-z0-9_-]+/[0-9]+-[0-9]+-[0-9]+")

SNOWPLOW = "com.snowplowanalytics.snowplow"
MOBILE = "com.snowplowanalytics.mobile"
SHOP = "com.snowplowanalytics.snowplow.ecommerce"
ECOMMERCE = f"{SHOP}/snowplow_ecommerce_action"

ITEM = (
    Field("sku", "properties.item_id", text),
    Field("id", "properties.item_id", text),
    Field("name", "properties.item_name", text),
    Field("category", "properties.item_category", text),
    Field("brand", "properties.item_brand", text),
    Field("variant", "properties.item_variant", text),
    Field("unitPrice", "properties.price", number),
    Field("price", "properties.price", number),
    Field("quantity", "properties.quantity", number),
    Field("currency", "properties.currency", text),
)
"""A product's fields as those of an entry of ``properties.items``; the names are GA4's."""

_ELEMENT = (Field("elementId", "element", text),)
_SCREEN = (Field("name", "title", text),)
_DEVICE = (Field("resolution", "screen", text), Field("language", "language", text))
_CART = (Field("currency", "currency", text),)

COLUMNS: Mapping[str, tuple[Field, ...]] = {
    f"{SNOWPLOW}/link_click": (
        *_ELEMENT,
        Field("elementContent", "element", text),
        Field("targetUrl", "element", text),
    ),
    f"{SNOWPLOW}/button_click": (
        Field("id", "element", text),
        Field("name", "element", text),
        Field("label", "element", text),
    ),
    f"{SNOWPLOW}/focus_form": _ELEMENT,
    f"{SNOWPLOW}/change_form": _ELEMENT,
    f"{SNOWPLOW}/submit_form": (Field("formId", "element", text),),
    f"{SNOWPLOW}/screen_view": _SCREEN,
    f"{MOBILE}/screen_view": _SCREEN,
    f"{SNOWPLOW}/add_to_cart": _CART,
    f"{SNOWPLOW}/remove_from_cart": _CART,
    f"{SNOWPLOW}/client_session": (
        Field("sessionId", "session_id", text),
        Field("userId", "anonymous_id", text),
    ),
    f"{SNOWPLOW}/mobile_context": _DEVICE,
    f"{SNOWPLOW}/browser_context": (
        Field("resolution", "screen", text),
        Field("browserLanguage", "language", text),
    ),
    f"{MOBILE}/screen_summary": (Field("foreground_sec", "time_spent", number),),
    f"{SHOP}/transaction": (
        Field("revenue", "value", number),
        Field("currency", "currency", text),
        Field("transaction_id", "properties.transaction_id", text),
    ),
    f"{SHOP}/refund": (
        Field("refund_amount", "value", number),
        Field("currency", "currency", text),
        Field("transaction_id", "properties.transaction_id", text),
    ),
    f"{SHOP}/cart": (Field("currency", "currency", text),),
}
"""What fills a column where the event has not filled it yet; of several schemas the first told counts.

The data stays whole in the properties, under the schema's vendor/name.
"""

_PRODUCT = f"{SHOP}/product"
_CARTS = {f"{SNOWPLOW}/add_to_cart", f"{SNOWPLOW}/remove_from_cart"}
_SHOPPING = {key for key in COLUMNS if key.startswith(f"{SHOP}/")}
_PRICED = {"add_to_cart", "remove_from_cart"}


class Described(NamedTuple):
    """One self-describing value: ``key`` is vendor/name, ``uri`` the whole schema with its version."""

    key: str
    name: str
    uri: str
    data: Any


def decoded(value: Any, *, encoded: bool) -> Any:
    """Return the JSON in a text, which is base64url when ``encoded``; None for what is neither."""
    if not isinstance(value, str):
        return None
    try:
        if not encoded:
            return json_value(value.encode())
        # A form decoder makes blanks of the plus signs of ordinary Base64.
        data = value.strip().replace(" ", "+").replace("+", "-").replace("/", "_").rstrip("=")
        return json_value(base64.urlsafe_b64decode(data + "=" * (-len(data) % 4)))
    except (Unheard, binascii.Error, ValueError):
        return None


def described(value: Any) -> Described | None:
    """Return a self-describing value, None for anything else."""
    if not isinstance(value, Mapping) or not isinstance(uri := value.get("schema"), str):
        return None
    found = _URI.fullmatch(uri)
    if found is None or "data" not in value:
        return None
    vendor, name = found.groups()
    return Described(f"{vendor}/{name}", name, uri, value["data"])


def items_of(event: Described | None, entities: list[Described]) -> list[dict[str, Any]]:
    """Return the products of an e-commerce event by the names of GA4's items."""
    if event is None:
        return []
    if event.key in _CARTS:
        found = [event]
    elif event.key == ECOMMERCE:
        found = [entity for entity in entities if entity.key == _PRODUCT]
    else:
        return []
    return [_item(each.data) for each in found if isinstance(each.data, Mapping)]


def _item(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        field.ours.removeprefix("properties."): value
        for field in reversed(ITEM)
        if (value := field.read(data.get(field.theirs))) is not None
    }


def amount(name: str, items: list[dict[str, Any]]) -> float | None:
    """Return what is put into the cart or taken out of it: the sum of price times quantity."""
    if name not in _PRICED or not any("price" in item for item in items):
        return None
    try:
        total = float(sum(item.get("price", 0) * item.get("quantity", 1) for item in items))
    except OverflowError:
        return None
    return total if math.isfinite(total) else None


def columns_of(event: Described | None, entities: list[Described]) -> dict[str, Any]:
    """Return what the schemas tell of our fields; the event's own schema goes before its entities'."""
    shopping = event is not None and event.key == ECOMMERCE
    found: dict[str, Any] = {}
    for each in ([event] if event else []) + entities:
        rows = COLUMNS.get(each.key)
        if rows is None or not isinstance(each.data, Mapping) or (each.key in _SHOPPING and not shopping):
            continue
        for field in rows:
            value = field.read(each.data.get(field.theirs))
            if value is not None:
                found.setdefault(field.ours, value)
    return found
