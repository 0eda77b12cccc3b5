"""The web SDK as a file: small, made from its source, shipped, and served under first-party paths."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import missing
from running_collector import Collector, numbers, of_app, running

from footfall.apps.collector.routes import path_problems
from footfall.errors import BadSettings
from footfall.settings import Collector as Limits
from footfall.settings import load_settings

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "clients" / "web" / "footfall.js"
SERVED = ROOT / "footfall" / "apps" / "collector" / "static" / "footfall.js"
SMALL = 4_096
ORIGIN = {"origin": "https://shop.example"}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("door")
    with running(folder, collector_events_path="/menu", collector_script_path="/a/menu.js") as collector:
        yield collector


def test_the_script_is_under_4_kb_with_gzip() -> None:
    assert len(gzip.compress(SERVED.read_bytes(), 9, mtime=0)) < SMALL


def test_the_script_was_made_from_the_source_as_it_is() -> None:
    first, _, code = SERVED.read_text(encoding="utf-8").partition("\n")
    assert hashlib.sha256(SOURCE.read_bytes()).hexdigest() in first, "run make sdk"
    assert not any(
        word in code for word in ("eval(", "new Function", "innerHTML", "createObjectURL", "cookie")
    )


def test_every_attribute_is_in_the_docs_and_the_other_way_round() -> None:
    source = SOURCE.read_text(encoding="utf-8")
    read = set(re.findall(r"option\.(\w+)", source)) | set(re.findall(r'\bon\("(\w+)"\)', source))
    page = (ROOT / "docs" / "how-to" / "web-sdk.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `data-(\w+)` \|", page, re.MULTILINE)) == read
    calls = set(re.findall(r"^    (\w+): \(.*\) =>", source, re.MULTILINE))
    types = (SOURCE.parent / "footfall.d.ts").read_text(encoding="utf-8")
    assert set(re.findall(r'call: "(\w+)"', types)) == calls


def test_the_build_gives_the_script_to_the_byte_and_the_types_hold(tmp_path: Path) -> None:
    folder = SOURCE.parent
    if shutil.which("node") is None or not (folder / "node_modules").is_dir():
        missing('the builder of the web SDK is not installed: run "make trackers"')
    subprocess.run(["node", "build.mjs", str(tmp_path / "made.js")], cwd=folder, check=True, timeout=60)
    assert (tmp_path / "made.js").read_bytes() == SERVED.read_bytes(), "run make sdk"
    checked = subprocess.run(
        ["node", "node_modules/typescript/bin/tsc", "--project", "jsconfig.json"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert checked.returncode == 0, checked.stdout


def test_the_wheel_brings_the_script(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        assert files.read("footfall/apps/collector/static/footfall.js") == SERVED.read_bytes()


@pytest.mark.parametrize("path", ["/footfall.js", "/a/menu.js", "/footfall.js?v=1"])
def test_the_script_is_served_for_pages_of_other_origins(door: Collector, path: str) -> None:
    status, headers, body = door.request("GET", path, None, ORIGIN)
    assert (status, body) == (200, SERVED.read_bytes())
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["access-control-allow-origin"] == ORIGIN["origin"]
    assert "max-age=3600" in headers["cache-control"]
    status, packed, body = door.request("GET", path, None, {"accept-encoding": "br, gzip"})
    assert (status, packed["content-encoding"]) == (200, "gzip")
    assert gzip.decompress(body) == SERVED.read_bytes()
    assert "Accept-Encoding" in packed["vary"]
    assert "Origin" in packed["vary"]


def test_who_has_the_script_is_told_so(door: Collector) -> None:
    tag = door.request("GET", "/footfall.js")[1]["etag"]
    for known, expected in (
        (tag, 304),
        (f'"x", {tag.removeprefix("W/")}', 304),
        ("*", 304),
        ('"old"', 200),
    ):
        status, headers, body = door.request("GET", "/footfall.js", None, {"if-none-match": known})
        assert status == expected
        assert headers["etag"] == tag
        assert bool(body) is (status == 200)
    assert numbers(door)['footfall_requests_total{path="/footfall.js",status="304"}'] >= 3


def test_the_second_paths_are_as_the_first_and_no_wildcards(door: Collector) -> None:
    event = json.dumps({"event": "a", "event_id": "own path"}).encode()
    status, headers, _ = door.request("POST", "/menu", event, ORIGIN)
    assert status == 200
    assert "Retry-After" in headers["access-control-expose-headers"]
    assert [each["event_id"] for each in of_app(door, "default")] == ["own path"]
    assert door.request("GET", "/menu")[0] == 405
    for path in ("/menu/", "/menu/x", "/a", "/a/menu.js/x", "/menu.js"):
        assert door.request("POST", path, event)[0] == 404
    assert door.request("HEAD", "/a/menu.js")[0] == 200


def test_without_the_settings_there_are_no_second_paths() -> None:
    assert path_problems(Limits()) == []
    assert path_problems(Limits(events_path="/menu", script_path="/menu.js")) == []


def test_a_path_that_is_taken_is_refused_at_start() -> None:
    assert len(path_problems(Limits(events_path="/pixel.gif", script_path="/v1/events"))) == 2
    assert "the same" in path_problems(Limits(events_path="/x", script_path="/x"))[0]


@pytest.mark.parametrize("path", ["menu", "/menu?x", "/a b", "/*", "/", "/menu\n", "/a//b"])
def test_a_path_that_is_none_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"collector\.events_path"):
        load_settings({"FOOTFALL_COLLECTOR_EVENTS_PATH": path}, working_folder=tmp_path)
