"""Every call of snowplow-tracker; ends when each event was answered with 2xx."""

import logging
import sys
import time
import warnings

from snowplow_tracker import (
    AsyncEmitter,
    Emitter,
    PagePing,
    PageView,
    ScreenView,
    SelfDescribing,
    SelfDescribingJson,
    StructuredEvent,
    Subject,
    Tracker,
)

address, app, method, kind = sys.argv[1:5]
encode = kind != "plain"
warnings.simplefilter("ignore", DeprecationWarning)
logging.disable(logging.INFO)
sent = []
emitter = (AsyncEmitter if kind == "async" else Emitter)(
    address, method=method, max_retry_delay_seconds=1, on_success=sent.extend
)
subject = (
    Subject()
    .set_platform("web")
    .set_user_id("ada")
    .set_domain_user_id("dev-1")
    .set_network_user_id("net-1")
    .set_domain_session_id("ses-1")
    .set_domain_session_index(3)
    .set_screen_resolution(1920, 1080)
    .set_viewport(1200, 700)
    .set_color_depth(24)
    .set_timezone("Europe/Berlin")
    .set_lang("de-DE")
    .set_ip_address("203.0.113.77")
    .set_useragent("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0 Safari/537.36")
)
tracker = Tracker("py", emitter, subject=subject, app_id=app, encode_base64=encode)
page = "https://shop.example/cart?utm_source=news&utm_campaign=spring"
moment = 1_772_366_400_123  # 2026-03-01T12:00:00.123Z
tags = [
    SelfDescribingJson("iglu:com.acme/tag/jsonschema/1-0-0", {"n": 1}),
    SelfDescribingJson("iglu:com.acme/tag/jsonschema/1-0-1", {"n": 2, "word": "Grüße ???>>>"}),
]
tracker.track(PageView(page, "Cart", "https://t.co/a", context=tags, true_timestamp=moment))
tracker.track(PagePing(page, "Cart", min_x=0, max_x=10, min_y=0, max_y=900))
tracker.track(StructuredEvent("shop", "Add to basket", "shoe", "red", 19.5))
game = SelfDescribingJson("iglu:com.acme/save_game/jsonschema/1-0-2", {"level": 5, "name": "ü?>"})
tracker.track(SelfDescribing(game))
tracker.track(
    ScreenView("5e1b7a0e-1e0a-4a0e-8a52-000000000001", "Basket", type="feed", previous_name="Home")
)
tracker.track_link_click("https://x.example/", "buy", ["big"], "_blank", "Buy")
tracker.track_add_to_cart("p1", 2, "Shoe", "shoes", 9.5, "EUR")
tracker.track_remove_from_cart("p1", 1, "Shoe", "shoes", 9.5, "EUR")
tracker.track_form_change("f1", "field-1", "INPUT", "x", "text", ["wide"])
tracker.track_form_submit(
    "f1", ["wide"], [{"name": "a", "value": "x", "nodeName": "INPUT", "type": "text"}]
)
tracker.track_site_search(["red", "shoe"], {"sale": True}, 10, 5)
tracker.track_ecommerce_transaction(
    "o1",
    40.5,
    "web",
    6.5,
    4,
    "Berlin",
    "BE",
    "DE",
    "EUR",
    items=[{"sku": "p1", "price": 18.25, "quantity": 2, "name": "Shoe", "category": "shoes"}],
)
CALLS = 13
deadline = time.monotonic() + 45
while len(sent) < CALLS and time.monotonic() < deadline:
    tracker.flush()
    time.sleep(0.1)
if len(sent) != CALLS:
    sys.exit(f"{len(sent)} of {CALLS} events were taken")
