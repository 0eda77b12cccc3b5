"""Makes ``docs/reference/`` from the code; ``--check`` fails when a page and the code disagree."""

import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from footfall import errors
from footfall.apps.cli import COMMANDS, GROUPS
from footfall.core.aws.alarms import ALARMS
from footfall.core.aws.prices import AS_OF, PRICES, REGION
from footfall.core.aws.profiles import ARCHITECTURES, PROFILES, profile_rows
from footfall.core.mart import MART
from footfall.core.protocols.exchange import Tracker
from footfall.core.protocols.registry import TRACKERS
from footfall.core.reasons import REASONS
from footfall.core.schema import EVENTS
from footfall.core.scrub.rules import RULES
from footfall.metrics import reference
from footfall.settings import setting_rows

FOLDER = Path(__file__).parent / "reference"
NOTE = "<!-- Made by docs/generate.py; change the code and run make docs. -->\n\n"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; bars in cells are escaped."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def events_page() -> str:
    """Columns of the table events."""
    rows = [(f"`{c.name}`", c.kind, "yes" if c.required else "", c.doc) for c in EVENTS]
    head = "# The table `events`\n\nTimes are UTC with microseconds, without a zone; json is text.\n\n"
    return head + table(("column", "kind", "always there", "meaning"), rows)


def metrics_page() -> str:
    """Every metric with its question, parameters, columns and SQL."""
    head = (
        "# Metrics\n\nAsk with `footfall metric NAME --from D --to D --app APP --set key=value` or "
        "`GET /api/metrics/NAME?from=&to=&app=&key=value`. Days are UTC. Bots are left out unless "
        "`bots=true`.\n\n"
    )
    return head + reference()


def settings_page() -> str:
    """All settings."""
    rows = [
        (
            f"`{row.name}`",
            row.type,
            f"`{row.default}`",
            f"`{row.variable}`" if row.variable else "",
            row.help,
        )
        for row in setting_rows()
    ]
    head = (
        "# Settings\n\nFrom weakest to strongest: the default, `footfall.toml` in the data folder (or the "
        "working folder), the environment, a flag. Lists in the environment are separated by commas.\n\n"
    )
    return head + table(("setting", "type", "default", "variable", "meaning"), rows)


def reasons_page() -> str:
    """Why an event can be rejected."""
    head = (
        "# Reasons for a rejection\n\nA rejected event keeps its scrubbed bytes and every reason that "
        "holds; the answer to the sender carries them too.\n\n"
    )
    rows = [(f"`{each.code}`", each.scope, each.template) for each in REASONS.values()]
    return head + table(("code", "what is refused", "text"), rows)


def scrub_page() -> str:
    """Say what is masked."""
    head = (
        "# What is masked before anything is written\n\nEach rule's action can be set per app under "
        "`[apps.NAME.scrub]`: `mask` (the default), `hash` (keyed, so that equal values stay equal), "
        "`drop` or `keep`. In identity fields the default is `hash`.\n\n"
    )
    return head + table(
        ("rule", "finds", "source"), [(f"`{rule.name}`", rule.finds, rule.source) for rule in RULES]
    )


def errors_page() -> str:
    """List the family of errors."""
    rows = []
    for name in sorted(errors.__all__):
        kind = getattr(errors, name)
        message = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
        rows.append((f"`{name}`", message, "yes" if kind.retryable else ""))
    return "# Errors\n\n" + table(("error", "message", "a retry helps"), rows)


def commands_page() -> str:
    """Every command's own help."""
    calls = [[name] for name in COMMANDS]
    calls += [[group, name] for group, (_, commands) in GROUPS.items() for name in commands]
    parts = ["# Commands\n\nThe text of each command's `--help`.\n"]
    for call in calls:
        shown = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "footfall", *call, "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1", "PATH": ""},
        )
        text = "\n".join(line.rstrip() for line in shown.stdout.strip().splitlines())
        parts.append(f"## footfall {' '.join(call)}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def protocols_page() -> str:
    """Say what of every tracker becomes what of ours."""
    head = (
        "# Protocols: what is mapped where\n\nOther products' clients may send to the collector as they "
        "are: change the address. A field that no row names goes to `properties` under its own name. Where "
        "several rows fill one of our fields, the first that has a value counts.\n\n"
    )
    return head + "\n".join(map(_protocol, TRACKERS.values()))


def mart_page() -> str:
    """Describe the tables that ``footfall export mysql`` keeps."""
    head = (
        "# The relational mart\n\n`footfall export mysql|postgres|sqlite` keeps these tables. Times and "
        "days are UTC; key columns name a row. `footfall_state` remembers how far an export came.\n\n"
    )
    parts = [
        f"## {t.name}\n\n{t.question}\n\n"
        + table(
            ("column", "kind", "key", "meaning"),
            [(f"`{c.name}`", c.kind, "yes" if c.key else "", c.doc) for c in t.columns],
        )
        for t in MART
    ]
    return head + "\n".join(parts)


def _protocol(tracker: Tracker) -> str:
    paths = table(("method", "path"), [(", ".join(e.methods), f"`{e.path}`") for e in tracker.endpoints])
    parts = [f"## {tracker.title}\n\n{tracker.about} `origin` is `{tracker.name}`; the write key is "]
    parts.append(f"{tracker.key_is}. Source: {tracker.source}\n\n{paths}\n")
    if tracker.notes:
        parts.append(f"{tracker.notes}\n\n")
    for call, fields in tracker.fields.items():
        rows = [
            (f"`{f.theirs}`", f"`{f.ours}`" if f.ours else "left out (transport)", f.note) for f in fields
        ]
        if rows:
            parts.append(f"### {tracker.title}: {call}\n\n{table(('theirs', 'ours', ''), rows)}\n")
    return "".join(parts)


def aws_page() -> str:
    """Show the profiles, the settings that give each architecture, and the prices."""
    head = (
        "# On AWS: profiles, architectures, prices\n\n`footfall aws` builds one of these profiles; `--set "
        "name=value` changes a row.\n\n"
    )
    rows = [
        (f"`{name}`", *(f"`{getattr(each, name)}`" for each in PROFILES.values()), meaning)
        for name, meaning in profile_rows()
    ]
    parts = [
        head,
        table(("row", *PROFILES, "meaning"), rows),
        "\n## Which setting gives which architecture\n\n",
    ]
    known = [
        (each.title, " ".join(f"`--set {k}={v}`" for k, v in each.settings.items()), ", ".join(each.stacks))
        for each in ARCHITECTURES.values()
    ]
    parts += [table(("what people build by hand", "on top of any profile", "stacks"), known)]
    parts += [
        f"\n## Prices that the forecast uses\n\nList prices of {REGION}, as of {AS_OF}: check them.\n\n"
    ]
    prices = [
        (each.service, f"{each.usd:.10g}" if each.usd else "by instance", each.unit, each.page)
        for each in PRICES.values()
    ]
    parts += [table(("service", "USD", "for one", "page below aws.amazon.com"), prices)]
    return "".join(parts)


def runbook_page() -> str:
    """Say what to do when an alarm rings."""
    head = (
        "# Runbook: what to do when an alarm rings\n\nAlarms are named NAME-alarm, tell the topic "
        "NAME-alerts, and carry this text. After the cause is mended they ring off by themselves.\n\n"
    )
    parts = []
    for alarm in {each.name: each for each in ALARMS}.values():
        way = "falls below" if alarm.below else "is above"
        when = f"`{alarm.namespace} {alarm.metric}` {way} {alarm.threshold:,g} in {alarm.minutes} minutes"
        parts.append(f"## {alarm.name}\n\n**{alarm.question}** Rings when {when}.\n\n{alarm.then}\n")
    return head + "\n".join(parts)


PAGES: dict[str, Callable[[], str]] = {
    "events.md": events_page,
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "mart.md": mart_page,
    "protocols.md": protocols_page,
    "reasons.md": reasons_page,
    "scrub.md": scrub_page,
    "errors.md": errors_page,
    "commands.md": commands_page,
    "aws.md": aws_page,
    "../how-to/aws-runbook.md": runbook_page,
}


def main() -> int:
    """Write the pages, or name those that differ."""
    check = "--check" in sys.argv[1:]
    stale = []
    FOLDER.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        text = NOTE + make().rstrip() + "\n"
        path = FOLDER / name
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.stderr.write(f"docs/reference is behind the code: {', '.join(stale)}. Run make docs.\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
