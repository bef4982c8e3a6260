import importlib

from services.api.contract import SERVICERS, rpcs, services
from services.api.ingress import Api, Ingress

# What the first release answers; everything else in the contract says UNIMPLEMENTED.
IMPLEMENTED = {
    "CreatePool GetPool ListPools",
    "StartRun GetRun ListRuns CancelRun WatchRun",
    "LeaseBatch GetBatch ExtendBatch ReleaseBatch StreamRanking",
    "SubmitLabels StreamLabels ListLabelEvents",
    "ListPromptVersions GetPromptVersion ActivatePromptVersion TrainPromptVersion",
    "WatchPromptVersions",
    "Check Watch",
}


def test_every_service_has_a_servicer_function():
    registered = {path.rpartition(".add_")[2] for path in SERVICERS}
    assert registered == {f"{service.name}Servicer_to_server" for service in services()}
    for path in SERVICERS:
        module, _, function = path.rpartition(".")
        assert callable(getattr(importlib.import_module(module), function))


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


def test_implemented_methods(api: Api):
    found = {rpc.name for rpc in rpcs() if hasattr(api, rpc.name)}
    assert found == {name for group in IMPLEMENTED for name in group.split()}
