"""``footfall settings``: every setting with its value in force, and no secret."""

import json

import pytest

from footfall.apps.cli import app, run
from footfall.settings import setting_rows


@pytest.mark.parametrize("style", ["json", "csv", "table"])
def test_every_setting_is_listed_and_no_secret(style, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("FOOTFALL_ALERTS_URLS", "json://bob:hush@host,slack://hush/hush/hush")
    monkeypatch.setenv("FOOTFALL_CONSOLE_TOKEN", "hush")
    monkeypatch.setenv("FOOTFALL_SCHEDULE_PARALLEL", "5")
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "footfall.toml").write_text('[[watch]]\nformat = "auto"\npath = "/var/log"\n[apps.shop]\n')
    with pytest.raises(SystemExit) as ended:
        run(lambda: app(["settings", "--data", str(tmp_path), "--format", style]))
    assert not ended.value.code
    shown = capsys.readouterr().out
    assert "hush" not in shown
    if style == "json":
        values = {row["setting"]: row["value"] for row in json.loads(shown)}
        expected = {row.name for row in setting_rows() if not row.name.startswith(("apps.", "watch."))}
        assert set(values) == expected
        assert values["schedule.parallel"] == 5
        assert values["alerts.urls"] == values["console.token"] == "***"
        assert values["data"] == str(tmp_path)
