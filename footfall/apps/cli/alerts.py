"""``footfall alerts``: whether alerts reach people."""

from footfall.apps.cli.output import Output, notes, print_json
from footfall.compose import notifier
from footfall.core.alerting import Alert
from footfall.errors import BadSettings
from footfall.settings import load_settings

__all__ = ["send_test"]


def send_test(*, output: Output | None = None) -> None:
    """Send one alert to every address of alerts.urls; the exit code says whether all took it.

    Examples:
      footfall alerts test
      FOOTFALL_ALERTS_URLS=json://127.0.0.1:9999/hook footfall alerts test
    """
    output = output or Output()
    settings = load_settings(flags={"data": output.data})
    if not settings.alerts.urls:
        example = 'urls = ["mailto://user:password@mail.example"]'
        raise BadSettings(problems=f"alerts.urls is empty; write [alerts] {example} into footfall.toml")
    text = f'This is a test, sent by "footfall alerts test" for {settings.data.absolute()}.'
    notifier(settings).send(Alert(title="footfall: test", text=text, kind="test"))
    told = len(settings.alerts.urls)
    if output.format == "json":
        print_json({"sent": told})
    else:
        notes.print(f"Sent to {told} address{'es' if told > 1 else ''}.")
