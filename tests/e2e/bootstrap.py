"""Envoy's configuration for tests: a listener with its ratelimit filter, and two clusters."""

import json

RATELIMIT = "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
    ".HttpConnectionManager"
)
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def by_header(header, key, **fields):
    """A rate limit with one descriptor of one entry, whose value is a request header."""
    action = {"request_headers": {"header_name": header, "descriptor_key": key}}
    return {"actions": [action], **fields}


def bootstrap(
    *, listener, admin, upstream, sluiceds, rate_limits, health_interval=None, pings=None
):
    """As JSON. `listener`, `admin`, `upstream` and `sluiceds` are ports of the loopback; the filter
    itself holds `rate_limits`; `health_interval` and `pings` are the intervals of gRPC health
    checks and of HTTP/2 pings towards our servers."""
    sluice = _cluster("sluice", sluiceds)
    http2 = {}
    if pings:
        http2["connection_keepalive"] = {"interval": pings, "timeout": "5s"}
    sluice["typed_extension_protocol_options"] = {
        HTTP_OPTIONS: {
            "@type": f"type.googleapis.com/{HTTP_OPTIONS}",
            "explicit_http_config": {"http2_protocol_options": http2},
        }
    }
    if health_interval:
        sluice["health_checks"] = [
            {
                "timeout": "2s",
                "interval": health_interval,
                "no_traffic_interval": health_interval,
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "grpc_health_check": {
                    "service_name": "envoy.service.ratelimit.v3.RateLimitService"
                },
            }
        ]
        # With one of two servers gone Envoy must not fall back to asking both.
        sluice["common_lb_config"] = {"healthy_panic_threshold": {"value": 0}}
    return json.dumps(
        {
            "admin": {"address": _address(admin)},
            "static_resources": {
                "listeners": [_listener(listener, rate_limits)],
                "clusters": [_cluster("upstream", [upstream]), sluice],
            },
        },
        indent=2,
    )


def _listener(port, rate_limits):
    ratelimit = {
        "@type": RATELIMIT,
        "domain": "edge",
        "failure_mode_deny": True,
        # Far above Envoy's default of 20 ms, which a test machine may well miss.
        "timeout": "2s",
        "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
        "rate_limit_service": {
            "transport_api_version": "V3",
            "grpc_service": {"envoy_grpc": {"cluster_name": "sluice"}},
        },
        "rate_limits": rate_limits,
    }
    manager = {
        "@type": MANAGER,
        "stat_prefix": "test",
        "http_filters": [
            {"name": "envoy.filters.http.ratelimit", "typed_config": ratelimit},
            {"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}},
        ],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}],
                }
            ]
        },
    }
    connection_manager = "envoy.filters.network.http_connection_manager"
    return {
        "name": "edge",
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": connection_manager, "typed_config": manager}]}],
    }


def _cluster(name, ports):
    return {
        "name": name,
        "connect_timeout": "1s",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": _address(port)}} for port in ports]}
            ],
        },
    }


def _address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
