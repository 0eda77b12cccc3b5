"""Our own two ways in, told like the others' for the console: the API and the web SDK.

They are not in the registry: ``POST /v1/events`` and ``/footfall.js`` are routes of the collector itself.
"""

import msgspec

from footfall.core.protocols.exchange import JSON, Example, Snippet, Tracker

__all__ = ["NATIVE", "WEB_SDK"]


def _example(event_id: str, key: str, now: int) -> Example:
    event = {
        "event": "test_event",
        "event_id": event_id,
        "anonymous_id": "footfall-connect",
        "created_at": now,
        "properties": {"test": True},
    }
    return Example("POST", "/v1/events", msgspec.json.encode(event), (*JSON, ("x-write-key", key)))


NATIVE = Tracker(
    name="native",
    title="HTTP API",
    about="Our own: one event or an array of them as JSON, from any language.",
    endpoints=(),
    fields={},
    snippets=(
        Snippet(
            "curl",
            "shell",
            "curl {collector}/v1/events -H 'Content-Type: application/json' -H 'X-Write-Key: {key}' \\\n"
            '  -d \'{"event": "signup", "user_id": "user-1", "properties": {"plan": "pro"}}\'',
        ),
        Snippet(
            "Python",
            "python",
            "import json\nfrom urllib.request import Request, urlopen\n\n"
            'events = [{"event": "signup", "user_id": "user-1", "properties": {"plan": "pro"}}]\n'
            'request = Request(\n    "{collector}/v1/events",\n    data=json.dumps(events).encode(),\n'
            '    headers={"Content-Type": "application/json", "X-Write-Key": "{key}"},\n)\n'
            "print(json.load(urlopen(request)))",
        ),
        Snippet(
            "JavaScript",
            "javascript",
            'await fetch("{collector}/v1/events", {\n  method: "POST",\n'
            '  headers: { "Content-Type": "application/json", "X-Write-Key": "{key}" },\n'
            '  body: JSON.stringify([{ event: "signup", user_id: "user-1" }]),\n'
            "});",
        ),
        Snippet(
            "Where no script runs",
            "html",
            '<img src="{collector}/pixel.gif?event=email_open&amp;write_key={key}" alt="">',
        ),
    ),
    key_is="the header X-Write-Key",
    source="",
    example=_example,
)

WEB_SDK = Tracker(
    name="web",
    title="Web SDK",
    about="Our own script for web pages: page views, clicks and time spent, without a cookie.",
    endpoints=(),
    fields={},
    snippets=(
        Snippet(
            "In the page's head",
            "html",
            '<script defer src="{collector}/footfall.js" data-key="{key}"></script>',
        ),
    ),
    key_is="the attribute data-key",
    source="",
    notes="The test event takes the way of the script's events, POST /v1/events.",
    example=_example,
)
