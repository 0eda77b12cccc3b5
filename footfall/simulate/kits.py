"""What simulated people and crawlers hold in their hands: user agents with their screens.

The strings are of the forms that the makers document; which device each one is, is known here
and not parsed, so that the truth doesn't lean on any parser.
"""

from typing import NamedTuple

__all__ = ["CRAWLERS", "KITS", "Kit"]


class Kit(NamedTuple):
    """A device with its browser; ``device`` is one of desktop, mobile, tablet, tv, bot."""

    device: str
    screen: str
    weight: float
    agent: str


_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
_LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
_PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS {0} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
_PAD = "Mozilla/5.0 (iPad; CPU OS {0} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
_ANDROID = "Mozilla/5.0 (Linux; Android {0}) AppleWebKit/537.36 (KHTML, like Gecko) "
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{0} Safari/605.1.15"

KITS: tuple[Kit, ...] = (
    Kit("desktop", "1920x1080", 9.0, _WINDOWS + "Chrome/126.0.0.0 Safari/537.36"),
    Kit("desktop", "1536x864", 5.0, _WINDOWS + "Chrome/125.0.0.0 Safari/537.36"),
    Kit("desktop", "1366x768", 4.0, _WINDOWS + "Chrome/124.0.0.0 Safari/537.36"),
    Kit("desktop", "2560x1440", 4.0, _WINDOWS + "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0"),
    Kit("desktop", "1920x1080", 1.0, _WINDOWS + "Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0"),
    Kit("desktop", "1920x1080", 2.5, "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0"),
    Kit("desktop", "1440x900", 4.0, _MAC + _WEBKIT.format("17.5")),
    Kit("desktop", "1728x1117", 3.5, _MAC + "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"),
    Kit("desktop", "1920x1200", 1.0, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:126.0) Gecko/20100101 Firefox/126.0"),
    Kit("desktop", "1920x1080", 1.2, _LINUX + "Chrome/126.0.0.0 Safari/537.36"),
    Kit("desktop", "1920x1200", 1.3, "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"),
    Kit("mobile", "390x844", 10.0, _PHONE.format("17_5_1") + "Version/17.5 Mobile/15E148 Safari/604.1"),
    Kit("mobile", "393x852", 6.0, _PHONE.format("17_4_1") + "Version/17.4.1 Mobile/15E148 Safari/604.1"),
    Kit("mobile", "375x667", 2.5, _PHONE.format("16_7_8") + "Version/16.6 Mobile/15E148 Safari/604.1"),
    Kit("mobile", "414x896", 2.0, _PHONE.format("17_5_1") + "CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1"),
    Kit("mobile", "412x915", 8.0, _ANDROID.format("14; SM-S918B") + "Chrome/126.0.0.0 Mobile Safari/537.36"),
    Kit("mobile", "360x800", 7.0, _ANDROID.format("13; SM-A536B") + "Chrome/125.0.0.0 Mobile Safari/537.36"),
    Kit("mobile", "412x892", 4.0, _ANDROID.format("14; Pixel 8") + "Chrome/126.0.0.0 Mobile Safari/537.36"),
    Kit("mobile", "393x873", 3.5, _ANDROID.format("12; M2101K6G") + "Chrome/124.0.0.0 Mobile Safari/537.36"),
    Kit("mobile", "360x780", 3.0, _ANDROID.format("14; SM-S911B") + "SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36"),
    Kit("mobile", "412x914", 0.8, "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0"),
    Kit("tablet", "820x1180", 3.0, _PAD.format("16_7_8") + "Version/16.6 Mobile/15E148 Safari/604.1"),
    Kit("tablet", "1024x1366", 1.5, _PAD.format("17_4") + "CriOS/125.0.6422.80 Mobile/15E148 Safari/604.1"),
    Kit("tablet", "800x1280", 1.5, _ANDROID.format("13; SM-X200") + "Chrome/125.0.0.0 Safari/537.36"),
    Kit("tv", "1920x1080", 0.5, "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36"),
    Kit("tv", "3840x2160", 0.4, "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/87.0.4280.88 Safari/537.36 WebAppManager"),
)  # fmt: skip

_COMPATIBLE = "Mozilla/5.0 (compatible; {0})"

CRAWLERS: tuple[Kit, ...] = tuple(
    Kit("bot", "1024x768", weight, agent)
    for weight, agent in (
        (5.0, _COMPATIBLE.format("Googlebot/2.1; +http://www.google.com/bot.html")),
        (3.0, _COMPATIBLE.format("bingbot/2.0; +http://www.bing.com/bingbot.htm")),
        (1.5, _COMPATIBLE.format("AhrefsBot/7.0; +http://ahrefs.com/robot/")),
        (1.5, _COMPATIBLE.format("SemrushBot/7~bl; +http://www.semrush.com/bot.html")),
        (1.0, _COMPATIBLE.format("YandexBot/3.0; +http://yandex.com/bots")),
        (1.0, _COMPATIBLE.format("Baiduspider/2.0; +http://www.baidu.com/search/spider.html")),
        (0.6, _COMPATIBLE.format("DotBot/1.2; +https://opensiteexplorer.org/dotbot; help@moz.com")),
        (1.0, "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"),
    )
)
