"""Each metric again, in slow and obvious Python over rows as dictionaries: the tests' referee."""

import json
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median

Row = dict[str, object]
Values = dict[str, str]
Table = list[tuple]

DAY = timedelta(days=1)
GAP = timedelta(minutes=30)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def who(row: Row) -> tuple:
    return row["app_id"], row["visitor_id"]


def day_of(row: Row) -> date:
    return row["created_at"].date()


def in_range(day: date, values: Values) -> bool:
    return values.get("from", "0000-00-00") <= day.isoformat() <= values.get("to", "9999-99-99")


def edge(row: Row) -> tuple | None:
    """Return (app, earlier id, user) of an identify or alias event."""
    earlier = row["anonymous_id"]
    if row["event"] == "alias":
        earlier = in_json(row["properties"], "previous_id") or earlier
    elif row["event"] != "identify":
        return None
    told = earlier is not None and row["user_id"] is not None and earlier != row["user_id"]
    return (row["app_id"], earlier, row["user_id"]) if told else None


def stitched(rows: list[Row]) -> list[Row]:
    """The rows with each visitor as the user that it turned out to be: walk edge by edge."""
    users = defaultdict(set)
    for app, earlier, user in filter(None, map(edge, rows)):
        users[app, earlier].add(user)

    def person(app: object, visitor: object) -> object:
        at = visitor
        for _ in range(3):
            if len(users[app, at]) != 1:
                return at
            (at,) = users[app, at]
        return visitor if len(users[app, at]) == 1 else at

    return [row | {"visitor_id": person(row["app_id"], row["visitor_id"])} for row in rows]


def of_app(rows: list[Row], values: Values) -> list[Row]:
    """Rows of the app and bots filters, whatever their day; stitched when asked."""
    return [
        row
        for row in (stitched(rows) if values.get("stitch") == "true" else rows)
        if row["app_id"] == values.get("app", row["app_id"])
        and (values.get("bots") == "true" or not row["is_bot"])
    ]


def chosen(rows: list[Row], values: Values) -> list[Row]:
    return [row for row in of_app(rows, values) if in_range(day_of(row), values)]


def grouped(rows: list[Row], key) -> dict:
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def visitors(rows: list[Row]) -> int:
    return len({who(row) for row in rows})


def nulls_last(value) -> tuple:
    return (value is None, value if value is not None else "")


def limited(table: Table, values: Values, default: int) -> Table:
    return table[: int(values.get("limit", default))]


def daily_active_users(rows: list[Row], values: Values) -> Table:
    return sorted((day, visitors(some)) for day, some in grouped(chosen(rows, values), day_of).items())


def active_users(rows: list[Row], values: Values) -> Table:
    rows = of_app(rows, values)

    def upto(day: date, days: int) -> int:
        return visitors([row for row in rows if day - days * DAY < day_of(row) <= day])

    days = sorted({day_of(row) for row in rows if in_range(day_of(row), values)})
    return [(day, upto(day, 1), upto(day, 7), upto(day, 30), upto(day, 1) / upto(day, 30)) for day in days]


def retention(rows: list[Row], values: Values) -> Table:
    length = {"day": 1, "week": 7}[values.get("period", "day")]

    def period_of(row: Row) -> date:
        return day_of(row) - (day_of(row).weekday() * DAY if length == 7 else 0 * DAY)

    seen = Counter()
    for some in grouped(of_app(rows, values), who).values():
        cohort = min(map(period_of, some))
        for period in {period_of(row) for row in some}:
            seen[cohort, (period - cohort).days // length] += 1
    return sorted((*key, count) for key, count in seen.items() if in_range(key[0], values))


def funnel_level(hits: list[tuple[datetime, int]], window: timedelta, steps: int) -> int:
    """One visitor's level: try every start, take every next step as early as it comes.

    ``hits`` are (time, place of a step). Greedy is enough: an earlier next step leaves more room.
    """
    hits = sorted(set(hits))
    best = 0
    for start, (began, place) in enumerate(hits):
        if place != 1:
            continue
        level = 1
        for at, next_place in hits[start + 1 :]:
            if next_place == level + 1 and at <= began + window:
                level += 1
        best = max(best, level)
    return min(best, steps)


def funnel(rows: list[Row], values: Values) -> Table:
    steps = values["steps"].split(",")
    text = values.get("window", "1d")
    window = timedelta(seconds=int(text[:-1]) * UNITS[text[-1]])
    levels = [
        funnel_level(
            [
                (row["created_at"], place)
                for row in some
                for place, step in enumerate(steps, start=1)
                if row["event"] == step
            ],
            window,
            len(steps),
        )
        for some in grouped(chosen(rows, values), who).values()
    ]
    counts = [sum(level >= place for level in levels) for place in range(1, len(steps) + 1)]
    table = []
    for place, (step, count) in enumerate(zip(steps, counts, strict=True), start=1):
        previous = counts[max(place - 2, 0)]
        table.append(
            (
                place,
                step,
                count,
                count / previous if previous else 0.0,
                count / counts[0] if counts[0] else 0.0,
            )
        )
    return table


def sessions(rows: list[Row], values: Values) -> Table:
    found = []
    for key, some in grouped(of_app(rows, values), lambda row: (*who(row), row["is_bot"])).items():
        times = sorted(row["created_at"] for row in some)
        runs = [[times[0]]]
        for at in times[1:]:
            if at - runs[-1][-1] > GAP:
                runs.append([])
            runs[-1].append(at)
        found += [(key[:2], run) for run in runs if in_range(run[0].date(), values)]
    table = []
    for day in sorted({run[0].date() for _, run in found}):
        of_day = [(key, run) for key, run in found if run[0].date() == day]
        lasted = sum((run[-1] - run[0]) // timedelta(microseconds=1) for _, run in of_day)
        table.append(
            (
                day,
                len(of_day),
                len({key for key, _ in of_day}),
                lasted / (1_000_000 * len(of_day)),
                sum(len(run) for _, run in of_day) / len(of_day),
                sum(len(run) == 1 for _, run in of_day) / len(of_day),
            )
        )
    return table


def top_events(rows: list[Row], values: Values) -> Table:
    groups = grouped(chosen(rows, values), lambda row: row["event"])
    table = [(event, len(some), visitors(some)) for event, some in groups.items()]
    return limited(sorted(table, key=lambda line: (-line[1], line[0])), values, 10)


def top_pages(rows: list[Row], values: Values) -> Table:
    views = [r for r in chosen(rows, values) if r["event"] == "page_view" and r["path"] is not None]
    table = [
        (path, len(some), visitors(some)) for path, some in grouped(views, lambda r: r["path"]).items()
    ]
    return limited(sorted(table, key=lambda line: (-line[1], line[0])), values, 10)


def interval_start(at: datetime, interval: str) -> datetime:
    hour = at.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    return {"hour": hour, "day": day, "week": day - at.weekday() * DAY, "month": day.replace(day=1)}[
        interval
    ]


def events_over_time(rows: list[Row], values: Values) -> Table:
    rows = [r for r in chosen(rows, values) if r["event"] == values.get("event", r["event"])]
    groups = grouped(rows, lambda r: interval_start(r["created_at"], values.get("interval", "day")))
    return sorted((start, len(some), visitors(some)) for start, some in groups.items())


def in_json(text: object, key: str) -> object:
    return json.loads(text).get(key) if text is not None else None


def milliseconds(seconds: float) -> int:
    return int(Decimal(seconds * 1000).quantize(Decimal(1), ROUND_HALF_UP))


def time_spent(rows: list[Row], values: Values) -> Table:
    by = values.get("by", "element")

    def item(row: Row) -> object:
        return in_json(row["properties"], by) if by == "source_menu" else row[by]

    rows = [r for r in chosen(rows, values) if r["time_spent"] is not None and item(r) is not None]
    table = []
    for name, some in grouped(rows, item).items():
        spent = [milliseconds(row["time_spent"]) for row in some]
        table.append(
            (
                name,
                len(spent),
                sum(spent) / (1000 * len(spent)),
                median(spent) / 1000,
                sum(spent) / 1000,
            )
        )
    return limited(sorted(table, key=lambda line: (-line[1], line[0])), values, 100)


def countries(rows: list[Row], values: Values) -> Table:
    groups = grouped(chosen(rows, values), lambda row: (row["country"], row["continent"]))
    table = [(*place, visitors(some), len(some)) for place, some in groups.items()]
    return sorted(table, key=lambda line: (-line[2], nulls_last(line[0]), nulls_last(line[1])))


def devices(rows: list[Row], values: Values) -> Table:
    groups = grouped(chosen(rows, values), lambda row: row[values.get("by", "device")])
    table = [(device, visitors(some), len(some)) for device, some in groups.items()]
    return sorted(table, key=lambda line: (-line[1], nulls_last(line[0])))


def age_told(row: Row) -> float | None:
    for column in ("user_properties", "properties"):
        try:
            age = float(in_json(row[column], "age"))
        except (TypeError, ValueError):
            continue
        if 0 < age < 130:
            return age
    return None


def average_age(rows: list[Row], values: Values) -> Table:
    latest = []
    for some in grouped(chosen(rows, values), who).values():
        told = [row for row in some if age_told(row) is not None]
        told.sort(key=lambda row: row["event_id"])
        told.sort(key=lambda row: (row["created_at"], age_told(row)), reverse=True)
        latest += told[:1]

    def mean(some: list[Row]) -> float:
        return sum(milliseconds(age_told(row)) for row in some) / (1000 * len(some))

    if "by" not in values:
        return [(mean(latest) if latest else None, len(latest))]
    groups = grouped(latest, lambda row: row[values["by"]])
    table = [(name, mean(some), len(some)) for name, some in groups.items()]
    return sorted(table, key=lambda line: (-line[2], nulls_last(line[0])))


def requests(rows: list[Row]) -> list[Row]:
    """The rows of access logs with what became of each: outcome, and the number of its open."""
    asked = [row | {"outcome": answer(row)} for row in rows if row["object"] is not None or row["status"]]

    def who_what_when(row: Row) -> tuple:
        return who(row), row["is_bot"], row["object"], day_of(row)

    for some in grouped(asked, who_what_when).values():
        some.sort(key=lambda row: (row["created_at"], nulls_last(row["status"]), row["event_id"]))
        before, opening = None, 0
        for row in some:
            if row["outcome"] == "served":
                goes_on = row["status"] == 206 and before and row["created_at"] - before <= GAP
                row["outcome"] = "part" if goes_on else "open"
                before = row["created_at"]
            opening += row["outcome"] == "open"
            row["opening"] = opening
    return asked


def answer(row: Row) -> str:
    method, status = row["method"] or "", row["status"]
    if status and status >= 400:
        return "error"
    if method == "HEAD" or method.endswith(".HEAD.OBJECT"):
        return "head"
    if method == "GET" or method.endswith(".GET.OBJECT"):
        return {200: "served", 206: "served", 304: "revalidation"}.get(status, "other")
    return "other"


def file_requests(rows: list[Row], values: Values) -> list[Row]:
    rows = requests(of_app(rows, values))
    return [
        row
        for row in rows
        if in_range(day_of(row), values)
        and row["object"] is not None
        and values.get("object", row["object"]) == row["object"]
        and values.get("search", "").lower() in row["object"].lower()
    ]


def openers(rows: list[Row]) -> int:
    return visitors([row for row in rows if row["outcome"] == "open"])


def finished(rows: list[Row]) -> int | None:
    """Count the opens for which as many bytes were sent as the log says that the file has."""
    found = []
    served = [row for row in rows if row["outcome"] in ("open", "part")]
    groups = grouped(served, lambda r: (who(r), r["is_bot"], day_of(r), r["opening"]))
    for some in groups.values():
        sizes = [size for row in some if (size := in_json(row["properties"], "object_size")) is not None]
        if sizes:
            found.append(sum(row["bytes"] or 0 for row in some) >= max(sizes))
    return sum(found) if found else None


def top_objects(rows: list[Row], values: Values) -> Table:
    return [(line[0], line[1], line[9], line[10], line[2]) for line in object_outcomes(rows, values)]


def object_outcomes(rows: list[Row], values: Values) -> Table:
    table = []
    for name, some in grouped(file_requests(rows, values), lambda row: row["object"]).items():
        how = Counter(row["outcome"] for row in some)
        counts = [how[each] for each in ("part", "revalidation", "head", "error", "other")]
        sent = sum(row["bytes"] or 0 for row in some)
        table.append((name, how["open"], openers(some), finished(some), *counts, len(some), sent))
    return limited(sorted(table, key=lambda line: (-line[1], -line[9], line[0])), values, 10)


def opens_over_time(rows: list[Row], values: Values) -> Table:
    table = []
    interval = values.get("interval", "day")
    groups = grouped(file_requests(rows, values), lambda r: interval_start(r["created_at"], interval))
    for start, some in groups.items():
        how = Counter(row["outcome"] for row in some)
        sent = sum(row["bytes"] or 0 for row in some)
        table.append(
            (start, how["open"], openers(some), len(some), how["revalidation"], how["error"], sent)
        )
    return sorted(table)


def object_trend(rows: list[Row], values: Values) -> Table:
    opens = [row for row in file_requests(rows, values) if row["outcome"] == "open"]
    most = Counter(row["object"] for row in opens)
    chosen_ones = sorted(most, key=lambda name: (-most[name], name))[: int(values.get("limit", 10))]
    groups = grouped(
        [row for row in opens if row["object"] in chosen_ones],
        lambda r: (interval_start(r["created_at"], values.get("interval", "day")), r["object"]),
    )
    table = [(*key, len(some), visitors(some)) for key, some in groups.items()]
    return sorted(table, key=lambda line: (line[0], -line[2], line[1]))


def object_readers(rows: list[Row], values: Values) -> Table:
    served = [row for row in file_requests(rows, values) if row["outcome"] in ("open", "part")]
    table = []
    for item, some in grouped(served, lambda row: row[values.get("by", "country")]).items():
        opens = sum(row["outcome"] == "open" for row in some)
        table.append((item, opens, openers(some), sum(row["bytes"] or 0 for row in some)))
    table.sort(key=lambda line: (-line[1], -line[3], nulls_last(line[0])))
    return limited(table, values, 10)


def near(one: str, other: str) -> bool:
    return one == other or one.endswith("." + other) or other.endswith("." + one)


def other_site(rows: list[Row]):
    """Return a function that says of a row which other site, known not to be the app's, showed it."""
    own = defaultdict(set)
    pages = defaultdict(set)
    for row in rows:
        if row["host"] and not row["bot_reason"] and (row["status"] is None or row["status"] < 300):
            own[row["app_id"]].add(row["host"])
        if row["referrer_host"] and row["status"] is not None and not row["bot_reason"]:
            path = "/" + row["referrer"].split("://")[1].partition("/")[2].split("?")[0]
            pages[row["app_id"], row["referrer_host"]] |= {path} - {"/"}
    for (app, host), paths in pages.items():
        served = {row["object"] for row in rows if row["app_id"] == app and row["status"] == 200}
        if 2 * len(paths & served) > len(paths):
            own[app].add(host)

    def site_of(row: Row) -> str | None:
        embedded = row["object"] is not None and row["object"].endswith(".png")
        asked = row["channel"] not in ("Organic Search", "AI Assistant") and row["referrer_host"]
        if not embedded or not asked or row["status"] not in (200, 206, 304) or not own[row["app_id"]]:
            return None
        if not any(app == row["app_id"] and host == asked for app, host in pages):
            return None
        return None if any(near(asked, host) for host in own[row["app_id"]]) else asked

    return site_of


def hotlinks(rows: list[Row], values: Values) -> Table:
    site_of = other_site(rows)
    asked = [row | {"site": site_of(row)} for row in file_requests(rows, values) if site_of(row)]
    table = []
    for site, some in grouped(asked, lambda row: row["site"]).items():
        objects = len({(row["app_id"], row["object"]) for row in some})
        sent = sum(row["bytes"] or 0 for row in some)
        table.append((site, objects, len(some), visitors(some), sent))
    return limited(sorted(table, key=lambda line: (-line[2], line[0])), values, 10)


def scanners(rows: list[Row], values: Values) -> Table:
    asked = [row for row in requests(of_app(rows, values)) if in_range(day_of(row), values)]
    table = []
    groups = grouped(asked, lambda r: (interval_start(r["created_at"], "hour"), who(r)))
    for (hour, visitor), some in groups.items():
        refused = [row for row in some if row["status"] and 400 <= row["status"] < 500]
        missing = {row["object"] for row in refused} - {None}
        if len(missing) >= int(values.get("missing", 10)) and 2 * len(refused) > len(some):
            ip, country = (max(filter(None, (r[c] for r in some)), default=None) for c in ("ip", "country"))
            table.append((hour, visitor[1], ip, country, len(some), len(missing)))
    table.sort(key=lambda line: line[1])
    table.sort(key=lambda line: (line[5], line[0]), reverse=True)
    return limited(table, values, 100)


def status_codes(rows: list[Row], values: Values) -> Table:
    rows = [row for row in chosen(rows, values) if row["status"] is not None]
    rows = [row for row in rows if values.get("object", row["object"]) == row["object"]]
    table = [
        (status, len(some), len(some) / len(rows), sum(row["bytes"] or 0 for row in some))
        for status, some in grouped(rows, lambda row: row["status"]).items()
    ]
    return sorted(table, key=lambda line: (-line[1], line[0]))


def channels(rows: list[Row], values: Values) -> Table:
    return devices(rows, values | {"by": "channel"})


def campaigns(rows: list[Row], values: Values) -> Table:
    rows = [row for row in chosen(rows, values) if row["campaign"] is not None]
    groups = grouped(rows, lambda row: (row["campaign"], row["source"], row["medium"]))
    table = [(*names, visitors(some), len(some)) for names, some in groups.items()]
    table.sort(key=lambda line: (-line[3], *map(nulls_last, line[:3])))
    return limited(table, values, 10)


def log_requests(rows: list[Row], values: Values) -> Table:
    site_of = other_site(rows)
    rows = [
        row
        for row in chosen(rows, values)
        if (row["object"] is not None or row["status"] is not None)
        and values.get("object", row["object"]) == row["object"]
        and values.get("status", str(row["status"])) == str(row["status"])
    ]
    rows.sort(key=lambda row: row["event_id"])
    rows.sort(key=lambda row: row["created_at"], reverse=True)
    names = ("created_at", "visitor_id", "ip", "method", "object", "status", "bytes", "referrer")
    names += ("country", "device", "browser", "bot_reason")
    table = [(*(row[name] for name in names), site_of(row)) for row in rows]
    return limited(table[int(values.get("offset", 0)) :], values, 100)


def paths(rows: list[Row], values: Values) -> Table:
    views = [r for r in chosen(rows, values) if r["event"] == "page_view" and r["path"] is not None]
    views.sort(key=lambda row: (row["created_at"], row["event_id"]))
    taken = []
    for (app, visitor, _), some in grouped(views, lambda row: (*who(row), row["is_bot"])).items():
        for row, following in zip(some, [*some[1:], None], strict=True):
            soon = following is not None and following["created_at"] - row["created_at"] <= GAP
            step = (row["path"], following["path"] if soon else None)
            taken.append({"app_id": app, "visitor_id": visitor, "step": step})
    taken = [row for row in taken if values.get("path", row["step"][0]) == row["step"][0]]
    table = [
        (*step, len(some), visitors(some)) for step, some in grouped(taken, lambda r: r["step"]).items()
    ]
    return limited(sorted(table, key=lambda line: (-line[2], line[0], nulls_last(line[1]))), values, 20)


def lifecycle(rows: list[Row], values: Values) -> Table:
    length = {"day": 1, "week": 7}[values.get("period", "day")] * DAY

    def period_of(row: Row) -> date:
        return day_of(row) - (day_of(row).weekday() * DAY if length > DAY else 0 * DAY)

    rows = of_app(rows, values)
    present = {period: set(map(who, some)) for period, some in grouped(rows, period_of).items()}
    table = []
    for period in sorted(set(present) | {period + length for period in present}):
        if period > max(present) or not in_range(period, values):
            continue
        here = present.get(period, set())
        last_time = present.get(period - length, set())
        earlier = set().union(*(some for other, some in present.items() if other < period))
        counts = (
            len(here - earlier),
            len(here & last_time),
            len((here & earlier) - last_time),
            len(last_time - here),
        )
        if any(counts):
            table.append((period, *counts))
    return table
