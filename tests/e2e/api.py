"""The generated clients, in the short words that tests use."""

from contextlib import contextmanager

import grpc
import pytest
from envoy.extensions.common.ratelimit.v3 import ratelimit_pb2
from envoy.service.ratelimit.v3 import rls_pb2, rls_pb2_grpc
from envoy.type.v3 import ratelimit_unit_pb2
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2
from sluice.v1 import admin_pb2, admin_pb2_grpc, limiter_pb2, limiter_pb2_grpc

OK = rls_pb2.RateLimitResponse.OK
OVER_LIMIT = rls_pb2.RateLimitResponse.OVER_LIMIT
Status = rls_pb2.RateLimitResponse.DescriptorStatus
Unit = rls_pb2.RateLimitResponse.RateLimit.Unit
OverrideUnit = ratelimit_unit_pb2.RateLimitUnit
Outcome = limiter_pb2.Outcome


def channel_to(address):
    # Channels of one process to one address share a connection unless told not to.
    return grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])


class Client:
    """One connection to a sluiced, with a deadline on every call, and one to its Admin address."""

    def __init__(self, address, admin_address="127.0.0.1:8082", timeout=10.0):
        self.channel = channel_to(address)
        self.admin_channel = channel_to(admin_address)
        self.timeout = timeout
        self.limiter = limiter_pb2_grpc.LimiterStub(self.channel)
        self.admin = admin_pb2_grpc.AdminStub(self.admin_channel)
        self.rls = rls_pb2_grpc.RateLimitServiceStub(self.channel)

    def close(self):
        self.channel.close()
        self.admin_channel.close()

    def hit(self, throttles, identifier, **fields):
        return self._ask(self.limiter.Hit, limiter_pb2.HitRequest, throttles, identifier, fields)

    def check(self, throttles, identifier, **fields):
        return self._ask(
            self.limiter.Check, limiter_pb2.CheckRequest, throttles, identifier, fields
        )

    def stat(self, throttles, identifier, **fields):
        return self._ask(self.limiter.Stat, limiter_pb2.StatRequest, throttles, identifier, fields)

    def should_limit(self, path="", method="GET", **fields):
        request = limiter_pb2.ShouldLimitRequest(path=path, method=method, **fields)
        return self.limiter.ShouldLimit(request, timeout=self.timeout)

    def batch_hit(self, *requests):
        """Each of the requests is (throttles, identifier[, fields])."""
        return self._ask_many(
            self.limiter.BatchHit, limiter_pb2.BatchHitRequest, limiter_pb2.HitRequest, requests
        )

    def batch_check(self, *requests):
        return self._ask_many(
            self.limiter.BatchCheck,
            limiter_pb2.BatchCheckRequest,
            limiter_pb2.CheckRequest,
            requests,
        )

    def batch_stat(self, *requests):
        return self._ask_many(
            self.limiter.BatchStat, limiter_pb2.BatchStatRequest, limiter_pb2.StatRequest, requests
        )

    def reset(self, throttles, identifier, **fields):
        return self._ask(
            self.limiter.Reset, limiter_pb2.ResetRequest, throttles, identifier, fields
        ).keys_reset

    def ask_admin(self, method, **fields):
        """Calls a method of Admin by its name: ask_admin("ResetAll", throttle="x")."""
        request = getattr(admin_pb2, f"{method}Request")(**fields)
        return getattr(self.admin, method)(request, timeout=self.timeout)

    def set_override(self, throttle, seconds, **changes):
        """What SetOverride answers: the override, with its end."""
        override = admin_pb2.Override(throttle=throttle, **changes)
        duration = duration_pb2.Duration()
        duration.FromMilliseconds(round(seconds * 1000))
        return self.ask_admin("SetOverride", override=override, duration=duration).override

    def should_rate_limit(self, domain, *descriptors, hits=0):
        request = rls_pb2.RateLimitRequest(domain=domain, descriptors=descriptors, hits_addend=hits)
        return self.rls.ShouldRateLimit(request, timeout=self.timeout)

    def _ask(self, method, message, throttles, identifier, fields):
        return method(_request(message, throttles, identifier, fields), timeout=self.timeout)

    def _ask_many(self, method, batch, message, requests):
        """The results: each has a `response` or an `error`."""
        made = [
            _request(message, throttles, identifier, *fields)
            for throttles, identifier, *fields in requests
        ]
        return list(method(batch(requests=made), timeout=self.timeout).results)


def _request(message, throttles, identifier, fields=None):
    named = [throttles] if isinstance(throttles, str) else throttles
    return message(throttles=named, identifier=identifier, **(fields or {}))


def descriptor(*entries, hits=None, refund=False, limit=None):
    """A descriptor of (key, value) pairs, text or bytes; `limit` is (hits, unit[, multiplier])."""

    def as_bytes(text):
        return text if isinstance(text, bytes) else text.encode()

    result = ratelimit_pb2.RateLimitDescriptor(
        entries=[
            ratelimit_pb2.RateLimitDescriptor.Entry(key=as_bytes(key), value=as_bytes(value))
            for key, value in entries
        ],
        is_negative_hits=refund,
    )
    if hits is not None:
        result.hits_addend.value = hits
    if limit is not None:
        result.limit.requests_per_unit, result.limit.unit, *multiplier = limit
        if multiplier:
            result.limit.unit_multiplier.value = multiplier[0]
    return result


def headers_of(response):
    return {header.name: header.value for header in response.headers}


def only(response):
    """The one result."""
    assert len(response.results) == 1, response
    return response.results[0]


def outcomes(response):
    """{throttle: name of its outcome, without OUTCOME_}, in the order of the results."""
    return {
        result.throttle: Outcome.Name(result.outcome).removeprefix("OUTCOME_")
        for result in response.results
    }


def costs(response):
    """{throttle: what was taken}"""
    return {result.throttle: result.cost for result in response.results}


@contextmanager
def raises(code):
    """The call inside fails with this status; the error is in the caught value's `value`."""
    with pytest.raises(grpc.RpcError) as caught:
        yield caught
    assert caught.value.code() == code, f"{caught.value.code()}: {caught.value.details()}"


def detail_of(error, kind):
    """The one google.rpc detail of this kind that the error carries in its trailer."""
    trailer = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(trailer["grpc-status-details-bin"])
    assert status.code == error.code().value[0]
    assert status.message == error.details()
    found = [any_ for any_ in status.details if any_.Is(kind.DESCRIPTOR)]
    assert len(found) == 1, status
    detail = kind()
    found[0].Unpack(detail)
    return detail


def violated_field(error):
    """The field that an INVALID_ARGUMENT names, and what it says about it."""
    violations = detail_of(error, error_details_pb2.BadRequest).field_violations
    assert len(violations) == 1, violations
    return violations[0].field, violations[0].description
