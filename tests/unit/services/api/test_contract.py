import importlib

from services.api.contract import SERVICERS, rpcs, services
from services.api.ingress import Api, Ingress, anonymous


def test_every_service_is_registered():
    registered: dict[str, set[str]] = {}

    class Server:
        def add_generic_rpc_handlers(self, handlers: object) -> None: ...

        def add_registered_method_handlers(self, service: str, methods: dict[str, object]) -> None:
            registered[service] = set(methods)

    for path in SERVICERS:
        module, _, function = path.rpartition(".")
        getattr(importlib.import_module(module), function)(Ingress, Server())
    assert registered == {
        service.full_name: {method.name for method in service.methods} for service in services()
    }


def test_method_names_are_unique_because_serve_routes_by_them():
    names = [rpc.name for rpc in rpcs()]
    assert len(names) == len(set(names))


def test_the_ingress_answers_every_method_of_the_contract():
    for rpc in rpcs():
        assert callable(getattr(Ingress, rpc.name)), rpc


def test_streaming_kinds_come_from_the_descriptors():
    kinds = {rpc.name: (rpc.client_streaming, rpc.server_streaming) for rpc in rpcs()}
    assert kinds["GetPool"] == (False, False)
    assert kinds["WatchRun"] == (False, True)
    assert kinds["StreamLabels"] == (True, False)


def test_every_method_of_the_contract_is_there(api: Api):
    assert [rpc.name for rpc in rpcs() if not hasattr(api, rpc.name)] == []


def test_no_call_without_a_token_uses_up_what_probes_need():
    watch, check, lease = (
        anonymous(rpc, "ipv4:127.0.0.1:5")
        for name in ("Watch", "Check", "LeaseBatch")
        for rpc in rpcs()
        if rpc.name == name
    )
    assert check == ""
    assert len({watch, lease, ""}) == 3
