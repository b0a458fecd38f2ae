"""Every RPC of our protos is called, and what is not built yet says so plainly."""

import grpc
import pytest

from api import admin_pb2, admin_pb2_grpc, limiter_pb2, limiter_pb2_grpc, raises

NAMING = {"Hit", "Check", "Stat"}  # they name throttles
BUILT = NAMING | {"ShouldLimit", "BatchHit", "BatchCheck", "BatchStat", "Reset"}
ADMIN_NOT_BUILT = {"TopKeys"}


def methods_of(module, service):
    return list(module.DESCRIPTOR.services_by_name[service].methods)


def call(stub, module, method):
    request = getattr(module, method.input_type.name)()
    if method.client_streaming:
        return list(getattr(stub, method.name)(iter([request]), timeout=10))
    return getattr(stub, method.name)(request, timeout=10)


def assert_unimplemented(stub, module, method):
    with raises(grpc.StatusCode.UNIMPLEMENTED) as caught:
        call(stub, module, method)
    assert method.name in caught.value.details()
    assert "yet" in caught.value.details()


def test_limiter_has_the_methods_of_the_design():
    assert {method.name for method in methods_of(limiter_pb2, "Limiter")} == BUILT | {
        "HitStream",
        "Reserve",
        "Commit",
        "Cancel",
    }


@pytest.mark.parametrize(
    "method",
    [method for method in methods_of(limiter_pb2, "Limiter") if method.name not in BUILT],
    ids=lambda method: method.name,
)
def test_limiter_methods_that_are_not_built_yet(client, method):
    assert_unimplemented(limiter_pb2_grpc.LimiterStub(client.channel), limiter_pb2, method)


@pytest.mark.parametrize(
    "method",
    [method for method in methods_of(admin_pb2, "Admin") if method.name in ADMIN_NOT_BUILT],
    ids=lambda method: method.name,
)
def test_admin_methods_that_are_not_built_yet(client, method):
    assert_unimplemented(client.admin, admin_pb2, method)


@pytest.mark.parametrize("method", methods_of(admin_pb2, "Admin"), ids=lambda method: method.name)
def test_admin_has_an_address_of_its_own(client, method):
    with raises(grpc.StatusCode.UNIMPLEMENTED):
        call(admin_pb2_grpc.AdminStub(client.channel), admin_pb2, method)


def test_admin_lists_the_throttles(client):
    listed = client.admin.ListThrottles(admin_pb2.ListThrottlesRequest(), timeout=10).throttles
    window = next(throttle for throttle in listed if throttle.uid == "window")
    assert window.strategy == "fixed_window"
    assert window.enabled and not window.shadow
    assert window.tenant_backends[""] == "local"


def test_admin_validates_a_text(client):
    def errors_of(text):
        request = admin_pb2.ValidatePolicyRequest(yaml=text)
        return client.admin.ValidatePolicy(request, timeout=10).errors

    assert not errors_of("throttles: [{uid: a, rate: 1/s}]")
    (error,) = errors_of("throttles: [{uid: a, rate: 1/fortnight}]")
    assert (error.line, error.column) == (1, 28)
    assert "fortnight" in error.message


@pytest.mark.parametrize("name", sorted(NAMING))
def test_limiter_methods_that_are_built(client, who, name):
    request = getattr(limiter_pb2, f"{name}Request")(throttles=["window"], identifier=who)
    response = getattr(client.limiter, name)(request, timeout=10)
    assert [result.throttle for result in response.results] == ["window"]
