"""Make the console's world map from the npm package world-atlas (ISC; Natural Earth, public domain).

Usage: python tools/world_map.py countries-50m.json footfall/apps/console/static/vendor/world.json
The file to read is ``package/countries-50m.json`` of ``npm pack world-atlas@2.0.2``.

What it does: leaves out Antarctica, names each country by its ISO 3166-1 alpha-2 code, and simplifies
the shared borders (Visvalingam's effective area), so that the topology stays without gaps. Small
countries keep their largest part, however small it is.
"""

import csv
import heapq
import itertools
import json
import math
import sys
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parents[1] / "footfall" / "core" / "reference" / "countries.csv"
AREA = 0.04  # square degrees (with longitude narrowed by latitude) below which a bend is dropped
RING = 0.12  # square degrees below which a second part of a country is dropped
GRID = 6_000  # the map's width in steps of quantization
UNNUMBERED = {"Kosovo": "XK", "Somaliland": "SO", "N. Cyprus": "CY", "Siachen Glacier": "IN"}
# Where Natural Earth draws apart what has no code of its own, the de jure state's code is shared.

Point = tuple[float, float]


def decode(topology: dict[str, Any]) -> list[list[Point]]:
    """Return the arcs as longitude, latitude."""
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        arcs.append(points)
    return arcs


def triangle(a: Point, b: Point, c: Point) -> float:
    """Area of a triangle in square degrees, longitude narrowed by the latitude."""
    narrow = math.cos(math.radians(b[1]))
    return abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) / 2 * narrow


def simplify(points: list[Point], area: float) -> list[Point]:
    """Visvalingam: drop the point of the smallest triangle until all are larger; ends stay."""
    closed = points[0] == points[-1]
    least = 5 if closed else 2
    before = list(range(-1, len(points) - 1))
    after = list(range(1, len(points) + 1))
    alive = [True] * len(points)
    size = [math.inf] * len(points)
    heap: list[tuple[float, int]] = []
    for i in range(1, len(points) - 1):
        size[i] = triangle(points[i - 1], points[i], points[i + 1])
        heapq.heappush(heap, (size[i], i))
    left = len(points)
    while heap and left > least:
        found, i = heapq.heappop(heap)
        if not alive[i] or found != size[i]:
            continue
        if found >= area:
            break
        alive[i] = False
        left -= 1
        p, n = before[i], after[i]
        after[p], before[n] = n, p
        for j in (p, n):
            if 0 < j < len(points) - 1:
                size[j] = max(found, triangle(points[before[j]], points[j], points[after[j]]))
                heapq.heappush(heap, (size[j], j))
    return [point for point, keep in zip(points, alive, strict=True) if keep]


def ring_area(ring: list[int], arcs: list[list[Point]]) -> float:
    """Area of a ring of arc indexes in square degrees."""
    line: list[Point] = []
    for index in ring:
        line += arcs[index] if index >= 0 else arcs[~index][::-1]
    total = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(line, line[1:] + line[:1], strict=True))
    middle = sum(point[1] for point in line) / len(line)
    return abs(total) / 2 * math.cos(math.radians(middle))


def codes() -> dict[str, str]:
    """Return UN M49 number (three digits) -> alpha-2 of our own reference table."""
    with REFERENCE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    number = next(name for name in rows[0] if name in {"m49", "numeric", "un_m49", "number"})
    code = next(name for name in rows[0] if name in {"alpha2", "alpha_2", "code", "country"})
    return {row[number].zfill(3): row[code] for row in rows}


def points_of(ring: list[int], arcs: list[list[Point]]) -> list[Point]:
    """Return the closed line of a ring of arc indexes."""
    line: list[Point] = []
    for index in ring:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        line += arc[1:] if line else arc
    return line


def cut_at_180(line: list[Point]) -> list[list[Point]]:
    """Cut a ring that crosses the antimeridian into one ring on each side of it."""
    unrolled = [line[0]]
    for lon, lat in line[1:]:
        while lon - unrolled[-1][0] > 180:
            lon -= 360
        while lon - unrolled[-1][0] < -180:
            lon += 360
        unrolled.append((lon, lat))
    if min(lon for lon, _ in unrolled) < -180:
        unrolled = [(lon + 360, lat) for lon, lat in unrolled]
    pieces = []
    for side, shift in ((1, 0), (-1, -360)):
        kept: list[Point] = []
        for (ax, ay), (bx, by) in itertools.pairwise(unrolled):
            if (180 - ax) * side >= 0:
                kept.append((ax + shift, ay))
            if (180 - ax) * (180 - bx) < 0:
                kept.append((180 + shift, ay + (by - ay) * (180 - ax) / (bx - ax)))
        if len(kept) > 3:
            pieces.append([*kept, kept[0]])
    return pieces


def crosses(line: list[Point]) -> bool:
    """Say whether a line jumps from one edge of the map to the other."""
    return any(abs(b[0] - a[0]) > 180 for a, b in itertools.pairwise(line))


def kept_parts(geometry: dict[str, Any], arcs: list[list[Point]]) -> list[list[list[int]]]:
    """Return a country's largest part, and the others and the holes that can be seen."""
    parts = [geometry["arcs"]] if geometry["type"] == "Polygon" else geometry["arcs"]
    parts = sorted(parts, key=lambda part: ring_area(part[0], arcs), reverse=True)
    parts = parts[:1] + [part for part in parts[1:] if ring_area(part[0], arcs) >= RING]
    return [part[:1] + [hole for hole in part[1:] if ring_area(hole, arcs) >= RING / 20] for part in parts]


def quantized(line: list[Point], step: float) -> list[list[int]]:
    """Return a line as steps on the grid, each from the point before."""
    x = y = 0
    deltas: list[list[int]] = []
    for lon, lat in line:
        qx, qy = round((lon + 180) / step), round((lat + 90) / step)
        if not deltas or (qx, qy) != (x, y):
            deltas.append([qx - x, qy - y])
        x, y = qx, qy
    return deltas if len(deltas) > 1 else [*deltas, [0, 0]]


def main(source: Path, target: Path) -> None:
    """Read the atlas, write the map."""
    topology = json.loads(source.read_text(encoding="utf-8"))
    full = decode(topology)
    lines = [simplify(arc, AREA) for arc in full]
    alpha2 = codes()
    countries = []
    for geometry in topology["objects"]["countries"]["geometries"]:
        code = alpha2.get(geometry.get("id", ""), UNNUMBERED.get(geometry["properties"]["name"], ""))
        if not code or code == "AQ":
            continue
        arcs: list[list[list[int]]] = []
        for part in kept_parts(geometry, full):
            outline = points_of(part[0], lines)
            if not crosses(outline):
                arcs.append(part)
                continue
            for piece in cut_at_180(outline):
                arcs.append([[len(lines)]])
                lines.append(piece)
        countries.append({"type": "MultiPolygon", "id": code, "properties": {"name": code}, "arcs": arcs})
    used = sorted({i if i >= 0 else ~i for c in countries for p in c["arcs"] for r in p for i in r})
    place = {old: new for new, old in enumerate(used)}
    for country in countries:
        country["arcs"] = [
            [[place[i] if i >= 0 else ~place[~i] for i in ring] for ring in part]
            for part in country["arcs"]
        ]
    step = 360 / GRID
    out = {
        "type": "Topology",
        "transform": {"scale": [step, step], "translate": [-180, -90]},
        "objects": {"countries": {"type": "GeometryCollection", "geometries": countries}},
        "arcs": [quantized(lines[old], step) for old in used],
    }
    target.write_text(json.dumps(out, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(countries)} countries, {target.stat().st_size} bytes")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
