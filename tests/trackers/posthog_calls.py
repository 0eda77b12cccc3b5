"""Every call of posthog for Python, by capture V0 or V1."""

import sys
import warnings
from datetime import UTC, datetime

from posthog import Posthog, identify_context, new_context, set_context_session, tag

mode, address, key, user = sys.argv[1:5]
warnings.simplefilter("ignore", DeprecationWarning)
failed = []
posthog = Posthog(
    key,
    host=address,
    capture_mode=mode,
    gzip=mode == "v0",
    capture_compression="deflate" if mode == "v1" else None,
    secret_key="phs_local",
    flush_interval=0.1,
    max_retries=5,
    on_error=lambda error, batch: failed.append((str(error), len(batch))),
)
moment = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
page = {
    "$current_url": "https://shop.example/cart?utm_source=x",
    "$referrer": "https://t.co/a",
    "$session_id": f"{user}-session",
    "$raw_user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0 Safari/537.36",
    "$ip": "203.0.113.77",
    "$timezone": "Europe/Berlin",
    "$browser_language": "de-DE",
    "$screen_width": 1920,
    "$screen_height": 1080,
    "utm_campaign": "spring",
}
order = {
    "revenue": 19.0,
    "currency": "EUR",
    "products": [{"product_id": "p1", "price": 9.5, "quantity": 2}],
}
posthog.capture(
    "Order Completed",
    distinct_id=user,
    properties=page | order,
    timestamp=moment,
    groups={"company": "acme"},
)
posthog.capture("$pageview", distinct_id=user, properties=page | {"title": "Cart"}, timestamp=moment)
posthog.capture("$screen", distinct_id=user, properties={"$screen_name": "Start"}, timestamp=moment)
posthog.capture("Looked Around")
posthog.set(distinct_id=user, properties={"age": 36, "plan": "pro"}, timestamp=moment)
posthog.set_once(distinct_id=user, properties={"first_seen": "2026"}, timestamp=moment)
posthog.group_identify("company", "acme", {"industry": "tools"}, distinct_id=user, timestamp=moment)
posthog.alias(f"{user}-before", user, timestamp=moment)
with new_context(client=posthog):
    identify_context(user)
    set_context_session(f"{user}-context")
    tag("shelf", 3)
    posthog.capture("Inside", timestamp=moment)
try:
    raise ValueError("out of stock")
except ValueError as error:
    posthog.capture_exception(error, distinct_id=user, timestamp=moment)
posthog.capture_ai("$ai_generation", distinct_id=user, properties={"$ai_model": "m"}, timestamp=moment)
posthog.load_feature_flags()
if posthog.feature_enabled("a-flag", user) or posthog.get_all_flags(user):
    failed.append("a flag is on")
if posthog.evaluate_flags(user).is_enabled("another-flag"):
    failed.append("a flag is on")
posthog.flush(timeout_seconds=40)
posthog.shutdown()
if failed:
    sys.exit(f"failed: {failed}")
