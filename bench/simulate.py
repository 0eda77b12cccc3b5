"""How fast the simulator writes a world to a file, next to msgspec writing as many dicts.

Run: python bench/simulate.py [USERS] [DAYS]
"""

import json
import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import msgspec

from footfall.simulate import ndjson, simulate, truth

START = date(2024, 1, 1)


def main() -> None:
    users, days = (int(text) for text in [*sys.argv[1:], "20000", "14"][:2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.ndjson"
        begun = time.perf_counter()
        with path.open("wb") as file:
            file.writelines(ndjson(simulate(users, days, 1, START)))
        wrote = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
        with path.open("rb") as file:
            dicts = [json.loads(line) for _, line in zip(range(50_000), file, strict=False)]
            count = len(dicts) + sum(1 for _ in file)
        begun = time.perf_counter()
        encoder = msgspec.json.Encoder()
        encoded = b"\n".join([encoder.encode(event) for event in dicts])
        per_dict = (time.perf_counter() - begun) / len(dicts)
        megabytes = path.stat().st_size / 1e6
    begun = time.perf_counter()
    truth(simulate(users, days, 1, START))
    told = time.perf_counter() - begun
    rate = count / wrote
    print(f"{count:,} events, {megabytes:,.0f} MB ({len(encoded) / len(dicts):.0f} bytes each by msgspec)")
    print(
        f"people to file: {rate:,.0f} events/s, {megabytes / wrote:,.0f} MB/s, peak memory {peak:,.0f} MB"
    )
    print(f"ratio to msgspec encoding the same number of ready dicts: {rate * per_dict:.2f}")
    print(f"truth: {count / told:,.0f} events/s")


if __name__ == "__main__":
    main()
