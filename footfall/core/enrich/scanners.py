r"""Which requests only somebody who looks for holes makes: labels, never filters.

A rule is a RE2 pattern over the request as it reads after decoding: in lower case, percent-escapes undone
twice, ``+`` as a space, ``\`` as ``/``. Some requests are an attack whatever the answer was
(``${jndi:``); others are one only where the server has no such thing: ``/wp-login.php`` is an ordinary
page of a WordPress site, and a probe on any other.
"""

from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import re2

from footfall.core.enrich.distinct import Spread

__all__ = ["ATTACKS", "PROBES", "Rule", "scan_column", "scan_of"]


class Rule(NamedTuple):
    """What a request is called that a pattern matches."""

    name: str
    pattern: str


# The first that matches names the request. None may match what ordinary visitors send: `; id)`, say,
# ends user agents in Indonesian.
ATTACKS: tuple[Rule, ...] = (
    Rule("Log4Shell", r"\$\{(?:jndi|lower|upper|env|sys|::-|date:)"),
    Rule("Shellshock", r"\(\) *\{ *(?:[:_] *;? *\}|[^}]*\} *;)"),
    Rule("Struts", r"%\{[(#]|#_memberaccess|redirect:\$\{|\bognl\."),
    Rule("PHP injection", r"eval-stdin\.php|invokefunction&|call_user_func_array|allow_url_include"),
    Rule("PHP injection", r"auto_prepend_file|php://(?:input|filter)|data://text/plain|<\?php\b"),
    Rule("system file", r"/etc/(?:passwd|shadow)(?:$|[^a-z0-9._-])|/proc/self/(?:environ|cmdline)"),
    Rule("system file", r"windows/(?:win\.ini|system32/)|\bboot\.ini(?:$|[^a-z0-9._-])"),
    Rule("path traversal", r"(?:\.\./+){2}|\.\./+(?:etc|proc|root|windows|winnt)/"),
    Rule("SQL injection", r"\bunion (?:all )?\(?select [^&]*(?:,|from |--|#|null)"),
    Rule("SQL injection", r"['\"] *(?:or|and) +\(?['\"]?\w+['\"]? *= *['\"]?\w|\b(?:or|and) 1 *= *1\b"),
    Rule("SQL injection", r"(?:or|and|select|;|\)|') *(?:pg_)?sleep\(\d"),
    Rule("SQL injection", r"waitfor delay ['\"]|\bbenchmark\(\d"),
    Rule("SQL injection", r"extractvalue\(\d|updatexml\(\d"),
    Rule("SQL injection", r"xp_cmdshell|from information_schema\.|; *drop table "),
    Rule("script injection", r"<(?:script|iframe|object|embed)\b|<[a-z]+\b[^<>]*[ /]on[a-z]+ *="),
    Rule("shell command", r"(?:[;|`]|\$\(|&&) *(?:wget|curl|busybox|chmod|bash|nc|cat|rm|tftp) +[-/h$*.]"),
    Rule("shell command", r"(?:[;|`]|\$\(|&&) *(?:cd /tmp|uname -|whoami)|/shell\?cd "),
    Rule("template injection", r"\{\{ *\d+ *\* *\d+ *\}\}"),
    Rule("secrets", r"/\.env(?:$|[?/.~_-])|/\.aws/|/\.ssh/"),
    Rule("secrets", r"/\.htpasswd|/\.bash_history|/\.git-credentials"),
    Rule("scanner's mark", r"w00tw00t|muieblackcat|nmaplowercheck|acunetix[-_]wvs|nikto-test"),
)
# These count only when the answer was an error.
PROBES: tuple[Rule, ...] = (
    Rule("secrets", r"/\.(?:git|svn|hg|bzr)(?:/|$)|/\.(?:ds_store|vscode|idea|htaccess)\b"),
    Rule("WordPress", r"/wp-login\.php|/xmlrpc\.php|/wlwmanifest\.xml|/wp-config|/wp-json/wp/v2/users"),
    Rule("WordPress", r"/wp-admin/(?:setup-config|install|admin-ajax)\.php|/wp-includes/.*\.php"),
    Rule("WordPress", r"/wp-content/(?:plugins|themes|uploads)/.*\.php"),
    Rule("phpMyAdmin", r"/(?:php-?my-?admin|pma|my-?admin|mysql-?admin|db-?admin)[-_.0-9]*(?:/|$|\?)"),
    Rule("PHP program", r"/adminer[^/?]*\.php|/phpunit/|/vendor/.*\.php"),
    Rule("web shell", r"/(?:c99|r57|wso|b374k|alfacgiapi|webshell|shell|cmd)\.(?:php|asp|aspx|jsp)"),
    Rule("CGI", r"/cgi-bin/"),
    Rule("server details", r"/(?:phpinfo|info|test)\.php"),
    Rule("server details", r"/server-(?:status|info)(?:$|\?)|/nginx_status"),
    Rule("server details", r"/actuator(?:/|$)|/jolokia(?:/|$)|/_profiler/"),
    Rule("server details", r"/_ignition/|/telescope/requests|/jmx-console"),
    Rule("backup", r"/(?:backup|dump|database|wwwroot)\.(?:sql|zip|rar|7z|tgz|tar|bak)"),
    Rule("backup", r"/(?:db|mysql|site)\.(?:sql|bak)"),
    Rule(
        "backup",
        r"/(?:web|config|configuration|settings)\.(?:php|inc|ini|config)\.?(?:bak|old|save|swp|txt|~)",
    ),
    Rule("device", r"/(?:hnap1|boaform|gponform|goform|setup\.cgi|picsdesc\.xml|evox/about)\b"),
    Rule("device", r"/(?:dana-na|global-protect| cscoe |remote/fgt_lang|tmui/|mgmt/tm/|owa/auth|ecp/)"),
    Rule(
        "Java program",
        r"/manager/(?:html|text)(?:$|[/?])|/solr/admin/|/hudson(?:/|$)|/invoker/|/struts2?-showcase",
    ),
)
# The escapes that ordinary addresses have too are undone for all values at once.
_COMMON = {"%20": " ", "%28": "(", "%29": ")", "%2c": ",", "%3a": ":", "%2f": "/", "%3d": "=", "%26": "&"}
# What no rule can match is passed over, in one scan of all values. Another escape of an ASCII
# character may hide a rule's text; those of other letters cannot.
_SUSPECT = "|".join((*(rule.pattern for rule in ATTACKS + PROBES), "%[0-7][0-9a-f]"))


@cache
def _compiled(rules: tuple[Rule, ...]) -> Any:
    options = re2.Options()
    options.log_errors = False
    compiled = re2.Set.SearchSet(options)
    for rule in rules:
        compiled.Add(rule.pattern)
    compiled.Compile()
    return compiled


def _first(rules: tuple[Rule, ...], text: str) -> str | None:
    found = _compiled(rules).Match(text)
    return rules[min(found)].name if found else None


def scan_of(text: str, *, refused: bool) -> str | None:
    """Name the first rule that a request falls under; ``refused`` says that the answer was an error."""
    certain, likely = _read(_plainer(pa.array([text]))[0].as_py())
    return certain or (likely if refused else None)


def _plainer(values: pa.Array) -> pa.Array:
    values = pc.utf8_lower(pc.replace_substring(pc.replace_substring(values, "+", " "), "\\", "/"))
    for escape, character in _COMMON.items():
        values = pc.replace_substring(values, escape, character)
    return pc.replace_substring(values, "/**/", " ")


def _read(text: str) -> tuple[str | None, str | None]:
    """Return the name of the attack, and of the probe that the request is where it was refused."""
    for _ in range(2):
        if "%" in text:
            text = unquote(text, errors="replace").lower()
    text = text.replace("\\", "/").replace("/**/", " ")
    return _first(ATTACKS, text), _first(PROBES, text)


def _read_all(texts: Spread) -> tuple[list[str | None], list[str | None]]:
    """Read distinct texts, only the suspect ones by the rules."""
    values = _plainer(pa.array(texts.values, pa.string()))
    certain: list[str | None] = [None] * len(values)
    likely: list[str | None] = [None] * len(values)
    places = pc.indices_nonzero(pc.match_substring_regex(values, _SUSPECT))
    for place, text in zip(places.to_pylist(), values.take(places).to_pylist(), strict=True):
        certain[place], likely[place] = _read(text)
    return certain, likely


def scan_column(urls: Spread, agents: Spread, status: pa.Array) -> pa.Array:
    """Return ``scanner: ...`` for the rows of access logs that a rule takes for a probe, else null.

    Rows without a status are no log lines and pass. What is sent as the user agent is read too: attacks
    are written there for the programs that read logs.
    """
    asked = status.is_valid()
    nothing = pa.scalar(None, pa.string())
    if asked.true_count == 0:
        return pa.nulls(len(status), pa.string())
    certain, likely = _read_all(urls)
    refused = pc.fill_null(pc.greater_equal(status, 400), False)
    name = pc.coalesce(
        urls.of(certain, pa.string()),
        agents.of(_read_all(agents)[0], pa.string()),
        pc.if_else(refused, urls.of(likely, pa.string()), nothing),
    )
    return pc.binary_join_element_wise("scanner: ", pc.if_else(asked, name, nothing), "")
