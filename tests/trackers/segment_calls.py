"""Every call of segment-analytics-python, or of rudder-sdk-python, which has the same."""

import sys
from datetime import UTC, datetime

client, address, key = sys.argv[1:4]
if client == "segment":
    import segment.analytics as analytics

    analytics.host = address
else:
    import rudderstack.analytics as analytics

    analytics.dataPlaneUrl = address
analytics.write_key = key
failed = []
analytics.on_error = lambda error, items: failed.append((str(error), len(items)))
moment = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
context = {
    "ip": "203.0.113.77",
    "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0 Safari/537.36",
    "locale": "de-DE",
    "timezone": "Europe/Berlin",
    "page": {
        "url": "https://shop.example/cart?utm_source=x",
        "referrer": "https://t.co/a",
        "title": "Cart",
    },
    "campaign": {"name": "spring", "source": "news", "medium": "email"},
}
products = [{"product_id": "p1", "price": 9.5, "quantity": 2}]
analytics.identify(
    "ada", {"age": 36, "plan": "pro"}, anonymous_id="anon-1", timestamp=moment, context=context
)
analytics.track(
    "ada",
    "Order Completed",
    {"revenue": 19.0, "currency": "EUR", "products": products},
    anonymous_id="anon-1",
    timestamp=moment,
    context=context,
)
analytics.page(
    "ada", "docs", "Home", {"url": "https://shop.example/docs", "title": "Docs"}, timestamp=moment
)
analytics.screen("ada", "app", "Start", {"speed": 3}, timestamp=moment)
analytics.group("ada", "acme", {"industry": "tools"}, timestamp=moment)
analytics.alias("anon-1", "ada", timestamp=moment)
analytics.flush()
analytics.shutdown()
if failed:
    sys.exit(f"failed: {failed}")
