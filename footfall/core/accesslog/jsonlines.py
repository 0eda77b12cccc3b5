"""JSON lines of Caddy, nginx and Traefik: which of their names is what.

https://caddyserver.com/docs/logging, https://nginx.org/en/docs/http/ngx_http_log_module.html (with
``escape=json``; the names are nginx's variables) and
https://doc.traefik.io/traefik/observability/access-logs/.
"""

import re
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.accesslog.cells import Cells, no_values
from footfall.core.accesslog.fields import ExtraKind, LogFormat, Parsed, words
from footfall.core.accesslog.json_lines import json_cells
from footfall.core.accesslog.meaning import (
    address_of,
    conclude,
    extras,
    mapped,
    moments,
    present,
    request_parts,
    request_url,
    singled_out,
    statuses,
    whole_numbers,
)

__all__ = ["CADDY", "NGINX", "TRAEFIK"]


@dataclass(frozen=True, slots=True)
class Names:
    """Under which names a server writes what; of several the first that a line has."""

    time: tuple[str, ...]
    ip: tuple[str, ...]
    user: tuple[str, ...]
    method: tuple[str, ...]
    uri: tuple[str, ...]
    status: tuple[str, ...]
    bytes: tuple[str, ...]
    referrer: tuple[str, ...]
    user_agent: tuple[str, ...]
    host: tuple[str, ...]
    scheme: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    request: tuple[str, ...] = ()  # "GET /path HTTP/1.1"
    id: tuple[str, ...] = ()
    tls: str | None = None  # it is there when the connection was encrypted
    dropped: tuple[str, ...] = ()  # says nothing more, or a person's address once more
    codes: tuple[str, ...] = ()

    def taken(self) -> frozenset[str]:
        """Return every name that goes into a column, or nowhere."""
        parts = (
            self.time, self.ip, self.user, self.method, self.uri, self.status, self.bytes, self.referrer,
            self.user_agent, self.host, self.scheme, self.query, self.request, self.id, self.dropped,
        )  # fmt: skip
        return frozenset(name for part in parts for name in part)


_CADDY = Names(
    time=("ts",),
    ip=("request.client_ip", "request.remote_ip", "request.remote_addr"),
    user=("user_id",),
    method=("request.method",),
    uri=("request.uri",),
    status=("status",),
    bytes=("size",),
    referrer=("request.headers.Referer",),
    user_agent=("request.headers.User-Agent",),
    host=("request.host",),
    tls="request.tls.version",
    dropped=("common_log",),
    codes=("level", "logger", "request.proto", "request.tls.proto", "request.tls.server_name"),
)
_NGINX = Names(
    time=("time_iso8601", "@timestamp", "timestamp", "msec", "time_local", "time", "date"),
    ip=("remote_addr", "remote_ip", "client_ip", "client", "clientip", "http_x_forwarded_for"),
    user=("remote_user",),
    method=("request_method", "method"),
    uri=("request_uri", "uri", "url", "document_uri", "path"),
    status=("status",),
    bytes=("body_bytes_sent", "bytes_sent", "bytes"),
    referrer=("http_referer", "http_referrer", "referer", "referrer"),
    user_agent=("http_user_agent", "user_agent", "agent"),
    host=("http_host", "host", "server_name", "vhost"),
    scheme=("scheme",),
    query=("args", "query_string"),
    request=("request",),
    id=("request_id",),
    dropped=("request_body", "binary_remote_addr"),
    codes=("server_protocol", "ssl_protocol", "ssl_cipher", "upstream_cache_status", "geoip_country_code"),
)
_TRAEFIK = Names(
    time=("StartUTC", "StartLocal", "time"),
    ip=("ClientHost", "ClientAddr"),
    user=("ClientUsername",),
    method=("RequestMethod",),
    uri=("RequestPath",),
    status=("DownstreamStatus",),
    bytes=("DownstreamContentSize",),
    referrer=("request_Referer",),
    user_agent=("request_User-Agent",),
    host=("RequestHost", "RequestAddr"),
    scheme=("RequestScheme",),
    dropped=("RequestLine",),
    codes=("level", "RequestProtocol", "TLSVersion", "TLSCipher", "entryPointName", "RouterName"),
)  # fmt: skip

# Headers may hold credentials and people's names, so only these are kept.
_HEADER = re.compile(
    r"(?:request\.headers\.|resp_headers\.|request_(?=[A-Z])|origin_(?=[A-Z])|downstream_(?=[A-Z])|"
    r"(?:sent_|upstream_)?http_|(?:upstream_)?cookie_)(.+)"
)
_KEPT_HEADERS = frozenset(
    words(
        "accept accept-encoding accept-language accept-ranges age cache-control content-encoding "
        "content-language "
        "content-length content-range content-type range x-cache x-forwarded-for x-forwarded-proto via"
    )
)


def _parse(names: Names, block: bytes, _header: str | None = None, /) -> Parsed:
    cells, refused, numeric = json_cells(block, names.time)
    created, untimed = moments(_first(cells, names.time))
    status, no_status = statuses(_first(cells, names.status))
    size, unsized = whole_numbers(_first(cells, names.bytes))
    request = request_parts(_first(cells, names.request))
    method = _coalesced(_first(cells, names.method), request["method"])
    uri = _coalesced(_first(cells, names.uri), request["target"])
    query = _first(cells, names.query)
    whole = mapped(uri, lambda values: pc.if_else(pc.match_substring(values, "?"), values, None))
    address = mapped(
        _first(cells, names.ip),
        lambda values: pc.replace_substring_regex(values, r"^\s*([^,\s]+).*$", r"\1"),
    )
    columns = {
        "created_at": pa.array(created).cast(pa.timestamp("us")),
        "ip": address_of(address),
        "user": _first(cells, names.user),
        "method": method,
        # nginx's $uri has no query, $request_uri has.
        "target": request_url(
            _scheme(cells, names), _first(cells, names.host), uri, _without(query, present(whole))
        ),
        "note": request["note"],
        "status": status,
        "bytes": size,
        "referrer": _first(cells, names.referrer),
        "user_agent": _first(cells, names.user_agent),
        "id": singled_out(_first(cells, names.id)),
    }
    no_request = ~(present(method) | present(uri) | present(request["note"]))
    missing = ~present(_first(cells, names.status))
    wrong = (
        (untimed, f"it has no time under {' or '.join(names.time)}"),
        (no_status | missing, f"it has no status of three digits under {' or '.join(names.status)}"),
        (unsized, f"it has no number of bytes under {' or '.join(names.bytes)}"),
        (no_request, f"it has no request under {' or '.join(names.method + names.uri + names.request)}"),
    )
    kinds: dict[str, ExtraKind] = {**dict.fromkeys(names.codes, "code"), **numeric}
    rest = {name: values for name, values in cells.columns.items() if _is_kept(name)}
    part = Cells(cells.line, cells.offset, cells.end, rest)
    read = conclude(block, cells, columns, wrong, extras(part, names.taken(), kinds))
    every = tuple(sorted((*read.refused, *refused), key=lambda line: line.line))
    return Parsed(read.rows, every, read.extra)


def _is_kept(name: str) -> bool:
    header = _HEADER.fullmatch(name)
    return header is None or header[1].lower().replace("_", "-") in _KEPT_HEADERS


def _first(cells: Cells, names: tuple[str, ...]) -> pa.DictionaryArray:
    """Return the first value that each line has under one of the names."""
    found = [
        cells.columns[name] for name in names
        if name in cells.columns and cells.columns[name].null_count < len(cells)
    ]  # fmt: skip
    return _coalesced(*found) if found else no_values(len(cells))


def _coalesced(*columns: pa.DictionaryArray) -> pa.DictionaryArray:
    if columns[0].null_count == 0 or len(columns) == 1:
        return columns[0]
    return pc.coalesce(*(column.cast(pa.string()) for column in columns)).dictionary_encode()


def _without(column: pa.DictionaryArray, where: object) -> pa.DictionaryArray:
    indices = pc.if_else(pa.array(where), pa.scalar(None, pa.int32()), column.indices)
    return pa.DictionaryArray.from_arrays(indices, column.dictionary)


def _scheme(cells: Cells, names: Names) -> pa.DictionaryArray:
    if names.tls is None:
        return _first(cells, names.scheme)
    encrypted = pa.array(present(cells.get(names.tls)))
    return pc.if_else(encrypted, "https", "http").dictionary_encode()


CADDY = LogFormat(
    name="caddy",
    title="Caddy's JSON lines",
    example=(
        '{"level":"info","ts":1646861401.5241024,"logger":"http.log.access","msg":"handled request",'
        '"request":{"remote_ip":"192.0.2.1","client_ip":"192.0.2.1","proto":"HTTP/2.0","method":"GET",'
        '"host":"www.example.com","uri":"/a.pdf","headers":{"User-Agent":["curl/7.82.0"]}},'
        '"duration":0.000929675,"size":10900,"status":200}'
    ),
    parse=partial(_parse, _CADDY),
    json=True,
)
NGINX = LogFormat(
    name="nginx",
    title="nginx's JSON lines (escape=json, named as its variables)",
    example=(
        '{"time_iso8601":"2024-02-29T23:59:59+00:00","remote_addr":"192.0.2.1","request":"GET '
        '/a.pdf HTTP/1.1",'
        '"status":"200","body_bytes_sent":"10900","http_referer":"","http_user_agent":"curl/7.82.0"}'
    ),
    parse=partial(_parse, _NGINX),
    json=True,
)
TRAEFIK = LogFormat(
    name="traefik",
    title="Traefik's JSON lines",
    example=(
        '{"ClientAddr":"192.0.2.1:4711","ClientHost":"192.0.2.1","DownstreamContentSize":10900,'
        '"DownstreamStatus":200,"Duration":929675,"RequestHost":"www.example.com","RequestMethod":"GET",'
        '"RequestPath":"/a.pdf","StartUTC":"2024-02-29T23:59:59.123456789Z","time":"2024-02-29T23:59:59Z"}'
    ),
    parse=partial(_parse, _TRAEFIK),
    json=True,
)
