"""ShouldRateLimit, line by line as design page envoy.md has it."""

import datetime

import grpc
import pytest

from api import OK, OVER_LIMIT, OverrideUnit, Status, Unit, descriptor, raises, violated_field

DAY = 86_400
BARE_OK = Status(code=OK)
UNLIMITED = Status(code=OK, limit_remaining=4294967295)


def seconds_to(period, offset=0):
    """Until the window of `period` seconds that we are in ends."""
    now = datetime.datetime.now(datetime.timezone.utc).timestamp()
    return period - (now - offset) % period


def only(response):
    assert len(response.statuses) == 1, response
    return response.statuses[0]


@pytest.fixture
def ask(client):
    """ask(*descriptors, hits=0) in the domain `edge`."""

    def call(*descriptors, **fields):
        return client.should_rate_limit("edge", *descriptors, **fields)

    return call


@pytest.fixture
def left(ask):
    """What is left of one descriptor, without taking anything."""

    def look(*entries, **fields):
        return only(ask(descriptor(*entries, hits=0, **fields))).limit_remaining

    return look


def test_a_limited_descriptor_until_it_is_over(ask, who):
    for remaining in range(9, -1, -1):
        response = ask(descriptor(("plain", who)))
        assert response.overall_code == OK
        status = only(response)
        assert status.code == OK
        assert status.limit_remaining == remaining
        assert status.current_limit.requests_per_unit == 10
        assert status.current_limit.unit == Unit.DAY
        assert not status.current_limit.HasField("unit_multiplier")
        assert status.duration_until_reset.nanos == 0
        assert status.duration_until_reset.seconds == pytest.approx(seconds_to(DAY), abs=5)

    response = ask(descriptor(("plain", who)))
    assert response.overall_code == OVER_LIMIT
    status = only(response)
    assert status.code == OVER_LIMIT
    assert status.limit_remaining == 0
    assert status.current_limit.requests_per_unit == 10
    assert status.duration_until_reset.nanos == 0
    assert status.duration_until_reset.seconds == pytest.approx(seconds_to(DAY), abs=5)


def test_errors_have_the_originals_texts(client, who):
    with raises(grpc.StatusCode.UNKNOWN) as caught:
        client.should_rate_limit("", descriptor(("plain", who)))
    assert caught.value.details() == "rate limit domain must not be empty"
    with raises(grpc.StatusCode.UNKNOWN) as caught:
        client.should_rate_limit("edge")
    assert caught.value.details() == "rate limit descriptor list must not be empty"


def test_an_unknown_domain_has_no_limit_even_with_an_override(client, who):
    override = descriptor(("plain", who), limit=(0, OverrideUnit.DAY))
    response = client.should_rate_limit("nowhere", descriptor(("plain", who)), override)
    assert response.overall_code == OK
    assert list(response.statuses) == [BARE_OK, BARE_OK]


def test_one_status_per_descriptor_in_order(ask, who):
    response = ask(
        descriptor(("plain", who)),
        descriptor(("unknown", who)),
        descriptor(("endless", who)),
        descriptor(("named", who)),
    )
    assert response.overall_code == OK
    plain, unknown, endless, named = response.statuses
    assert plain.limit_remaining == 9
    assert unknown == BARE_OK
    assert endless == UNLIMITED
    assert (named.current_limit.name, named.limit_remaining) == ("by_name", 6)


@pytest.mark.parametrize("key", ["nothing", "absent"])
def test_a_limit_of_0(ask, who, key):
    looked = only(ask(descriptor((key, who), hits=0)))
    assert (looked.code, looked.limit_remaining) == (OK, 0)
    response = ask(descriptor((key, who)))
    assert response.overall_code == OVER_LIMIT
    assert only(response).limit_remaining == 0
    assert only(response).current_limit.unit == Unit.DAY
    assert only(response).duration_until_reset.seconds >= 1


@pytest.mark.parametrize(
    "key, unit, longest",
    [
        ("per_second", Unit.SECOND, 1),
        ("per_minute", Unit.MINUTE, 60),
        ("per_hour", Unit.HOUR, 3600),
        ("plain", Unit.DAY, DAY),
        ("per_week", Unit.WEEK, 7 * DAY),
        ("per_month", Unit.MONTH, 30 * DAY),
        ("per_year", Unit.YEAR, 365 * DAY),
    ],
)
def test_units(ask, who, key, unit, longest):
    status = only(ask(descriptor((key, who))))
    assert status.current_limit.unit == unit
    assert not status.current_limit.HasField("unit_multiplier")
    assert 1 <= status.duration_until_reset.seconds <= longest
    assert status.duration_until_reset.nanos == 0
    assert status.limit_remaining == status.current_limit.requests_per_unit - 1


def test_weeks_start_on_thursday(ask, who):
    """The epoch was a Thursday."""
    status = only(ask(descriptor(("per_week", who))))
    now = datetime.datetime.now(datetime.timezone.utc)
    end = now + datetime.timedelta(seconds=status.duration_until_reset.seconds)
    assert (end + datetime.timedelta(seconds=60)).strftime("%A") == "Thursday"
    assert status.duration_until_reset.seconds == pytest.approx(seconds_to(7 * DAY), abs=5)


def test_the_same_descriptor_twice_is_charged_twice_in_order(ask, who):
    response = ask(descriptor(("plain", who)), descriptor(("plain", who)))
    assert [status.limit_remaining for status in response.statuses] == [9, 8]


def test_matching_takes_the_exact_value_then_wildcards_then_the_key(ask):
    def limit(*entries):
        status = only(ask(descriptor(*entries, hits=0)))
        return status.current_limit.requests_per_unit if status != BARE_OK else None

    assert limit(("path", "/exact")) == 1
    assert limit(("path", "/api/a/items")) == 2
    assert limit(("path", "/api//items")) == 2
    assert limit(("path", "/api/a")) == 3
    assert limit(("path", "/api/")) == 3
    assert limit(("path", "/other")) == 4
    assert limit(("path", "/exact"), ("who", "x")) == 11
    assert limit(("path", "/other"), ("verb", "GET")) == 44
    # No backtracking: the first entry has matched elsewhere.
    assert limit(("path", "/exact"), ("verb", "GET")) is None
    assert limit(("path", "/api/a"), ("verb", "GET")) is None
    # Only the last entry's limit applies, and only where there is one.
    assert limit(("nested", "x")) is None
    assert limit(("nested", "x"), ("who", "y")) == 5
    assert limit(("nested", "x"), ("who", "y"), ("verb", "POST")) == 2
    assert limit(("nested", "x"), ("who", "y"), ("verb", "GET")) is None
    assert limit(("who", "y"), ("nested", "x")) is None


def test_values_without_a_limit_of_their_own_are_counted_apart(ask, left, who):
    ask(descriptor(("nested", who), ("who", "a")), hits=2)
    ask(descriptor(("path", f"/api/{who}")))
    assert left(("nested", who), ("who", "a")) == 3
    assert left(("nested", who), ("who", "b")) == 5
    assert left(("path", f"/api/{who}")) == 2
    assert left(("path", f"/api/{who}/x")) == 3


def test_keys_do_not_collide(ask, left, who):
    ask(descriptor(("nested", f"{who}_who"), ("who", "a")))
    assert left(("nested", who), ("who", "who_a")) == 5
    assert left(("nested", who), ("who", "a")) == 5


def test_the_requests_addend(ask, left, who):
    assert only(ask(descriptor(("plain", who)), hits=0)).limit_remaining == 9
    assert only(ask(descriptor(("plain", who)), hits=4)).limit_remaining == 5
    over = only(ask(descriptor(("plain", who)), hits=6))
    # Six do not fit and take nothing; five still do.
    assert over.code == OVER_LIMIT
    assert over.limit_remaining == 5
    assert left(("plain", who)) == 5


def test_a_look_is_over_only_when_the_count_is_above_the_limit(ask, who):
    spent = only(ask(descriptor(("plain", who)), hits=10))
    assert (spent.code, spent.limit_remaining) == (OK, 0)
    looked = ask(descriptor(("plain", who), hits=0))
    assert looked.overall_code == OK
    assert (only(looked).code, only(looked).limit_remaining) == (OK, 0)

    ask(descriptor(("plain", who), hits=1))
    looked = ask(descriptor(("plain", who), hits=0))
    assert looked.overall_code == OVER_LIMIT
    assert only(looked).code == OVER_LIMIT


def test_a_descriptors_own_addend_is_settled_not_asked(ask, left, who):
    within = only(ask(descriptor(("plain", who), hits=4), hits=9))
    assert (within.code, within.limit_remaining) == (OK, 6)
    over = ask(descriptor(("plain", who), hits=12))
    assert over.overall_code == OVER_LIMIT
    assert only(over).limit_remaining == 0
    # Charged whole, 16 of 10: what is above the limit must be given back before anything passes.
    assert only(ask(descriptor(("plain", who), hits=5, refund=True))).limit_remaining == 0
    assert ask(descriptor(("plain", who), hits=0)).overall_code == OVER_LIMIT
    ask(descriptor(("plain", who), hits=2, refund=True))
    assert left(("plain", who)) == 1


def test_debt_is_kept_up_to_once_more_the_limit(ask, left, who):
    ask(descriptor(("plain", who), hits=2**40))
    ask(descriptor(("plain", who), hits=11, refund=True))
    assert left(("plain", who)) == 1


def test_settled_descriptors_and_refunds_stand_outside_all_or_none(ask, left, who):
    ask(descriptor(("single", who)))
    ask(descriptor(("plain", "of " + who)), hits=5)
    response = ask(
        descriptor(("plain", who), hits=3),
        descriptor(("plain", "of " + who), hits=2, refund=True),
        descriptor(("single", who)),
    )
    assert response.overall_code == OVER_LIMIT
    assert left(("plain", who)) == 7
    assert left(("plain", "of " + who)) == 7


def test_refunds_stop_at_an_empty_counter(ask, left, who):
    ask(descriptor(("plain", who)), hits=4)
    refunded = only(ask(descriptor(("plain", who), hits=3, refund=True)))
    assert (refunded.code, refunded.limit_remaining) == (OK, 9)
    ask(descriptor(("plain", who), hits=100, refund=True))
    assert left(("plain", who)) == 10


def test_a_refund_applies_to_the_hits_of_the_request_too(ask, left, who):
    ask(descriptor(("plain", who)), hits=6)
    ask(descriptor(("plain", who), refund=True), hits=4)
    assert left(("plain", who)) == 8
    ask(descriptor(("plain", who), refund=True))
    assert left(("plain", who)) == 9


def test_an_addend_of_2_to_63_is_refused(ask, left, who):
    for hits in (2**63, 2**64 - 1):
        with raises(grpc.StatusCode.INVALID_ARGUMENT):
            ask(descriptor(("plain", who), hits=hits))
        with raises(grpc.StatusCode.INVALID_ARGUMENT):
            ask(descriptor(("plain", who), hits=hits, refund=True))
    assert left(("plain", who)) == 10


def test_a_denied_request_drains_nothing(ask, left, who):
    both = (descriptor(("plain", who)), descriptor(("single", who)))
    assert ask(*both).overall_code == OK
    response = ask(*both)
    assert response.overall_code == OVER_LIMIT
    assert [status.code for status in response.statuses] == [OK, OVER_LIMIT]
    assert response.statuses[0].limit_remaining == 9
    assert left(("plain", who)) == 9


def test_shadow_mode_answers_ok_counts_and_stops_nothing(ask, left, who):
    both = (descriptor(("shadow", who)), descriptor(("plain", who)))
    for remaining in (9, 8, 7):
        response = ask(*both)
        assert response.overall_code == OK
        shadow, plain = response.statuses
        assert (shadow.code, shadow.limit_remaining) == (OK, 0)
        assert shadow.current_limit.requests_per_unit == 1
        assert shadow.duration_until_reset.seconds >= 1
        assert plain.limit_remaining == remaining
    assert left(("plain", who)) == 7


def test_an_override_is_used_as_sent(ask, who):
    status = only(ask(descriptor(("anything", who), limit=(3, OverrideUnit.HOUR))))
    assert (status.code, status.limit_remaining) == (OK, 2)
    assert status.current_limit.requests_per_unit == 3
    assert status.current_limit.unit == Unit.HOUR
    assert status.current_limit.name == ""
    assert (
        ask(descriptor(("anything", who), limit=(0, OverrideUnit.DAY))).overall_code == OVER_LIMIT
    )


def test_an_overrides_counter_is_its_entries_and_unit(ask, left, who):
    def override(requests, unit=OverrideUnit.DAY):
        return only(ask(descriptor(("named", who), limit=(requests, unit))))

    assert override(3).limit_remaining == 2
    assert override(3).limit_remaining == 1
    # Another number keeps the count, another unit does not, and the configured limit counts apart.
    assert override(10).limit_remaining == 7
    assert override(2).code == OVER_LIMIT
    assert override(2, OverrideUnit.YEAR).limit_remaining == 1
    assert left(("named", who)) == 7


def test_an_override_is_never_in_shadow_mode(ask, who):
    override = descriptor(("shadow", who), limit=(1, OverrideUnit.DAY))
    assert ask(override).overall_code == OK
    assert ask(override).overall_code == OVER_LIMIT


def test_an_override_of_several_units(ask, who):
    status = only(ask(descriptor(("anything", who), limit=(8, OverrideUnit.DAY, 2))))
    assert status.limit_remaining == 7
    assert status.current_limit.unit == Unit.DAY
    assert status.current_limit.unit_multiplier.value == 2
    assert status.duration_until_reset.seconds == pytest.approx(seconds_to(2 * DAY), abs=5)


@pytest.mark.parametrize("unit", [OverrideUnit.UNKNOWN, 99])
def test_an_override_of_an_unknown_unit_is_refused_and_the_server_goes_on(ask, left, who, unit):
    with raises(grpc.StatusCode.INVALID_ARGUMENT):
        ask(descriptor(("plain", who)), descriptor(("plain", who), limit=(1, unit)))
    assert left(("plain", who)) == 10


@pytest.mark.parametrize("value", [b"\xff", b"\xc3\x28", b"a\x00b", b"\xed\xa0\x80"])
def test_bytes_that_are_no_utf8_are_a_normal_decision(ask, who, value):
    value = who.encode() + value
    assert only(ask(descriptor(("plain", value)))).limit_remaining == 9
    assert only(ask(descriptor(("plain", value)))).limit_remaining == 8
    assert only(ask(descriptor((b"\xfe", value)))) == BARE_OK


def test_a_descriptor_without_entries_has_no_limit(ask):
    assert only(ask(descriptor())) == BARE_OK


@pytest.mark.parametrize("field, most", [("descriptors", 256), ("descriptors.entries", 64)])
def test_a_request_that_is_too_long_is_refused(ask, who, field, most):
    def of_size(size):
        entry = ("unknown", who)
        entries = field == "descriptors.entries"
        return [descriptor(*[entry] * size)] if entries else [descriptor(entry)] * size

    longest = of_size(most)
    assert list(ask(*longest).statuses) == [BARE_OK] * len(longest)
    with raises(grpc.StatusCode.INVALID_ARGUMENT) as caught:
        ask(*of_size(most + 1))
    refused, description = violated_field(caught.value)
    assert refused == field
    assert str(most) in description


def test_a_server_without_domains_has_no_limit_to_apply(start_sluiced, connect, who):
    without = connect(start_sluiced("throttles: [{uid: wide, rate: 500/day}]\n"))
    response = without.should_rate_limit("edge", descriptor(("plain", who)))
    assert response.overall_code == OK
    assert only(response) == BARE_OK
