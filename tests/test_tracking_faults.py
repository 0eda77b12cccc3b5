"""Trackers while the installation's own key can't be read: told to come again, never a 500."""

import json

import pytest
from running_collector import running

BODY = json.dumps({"userId": "ada", "event": "Signed Up", "messageId": "m1"}).encode()


@pytest.mark.parametrize("path", ["/v1/track", "/v1/events"])
def test_a_damaged_key_is_503_until_it_is_mended(tmp_path, path):
    with running(tmp_path) as collector:
        keys = tmp_path / "keys"
        keys.mkdir(exist_ok=True)
        damaged = keys / "installation.key"
        damaged.write_bytes(b"short")
        status, headers, _ = collector.request("POST", path, BODY)
        assert status == 503
        assert "retry-after" in headers
        damaged.unlink()
        assert collector.request("POST", path, BODY)[0] == 200
