import re

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto
from google.protobuf.message import Message

from poolscore.v1 import label_service_pb2, pool_service_pb2, query_service_pb2
from services.contract_page.page import PAGE, page
from services.contract_page.rules import rules_of


@pytest.fixture(scope="module")
def text() -> str:
    return page()


def test_the_page_is_what_the_contract_says(text: str) -> None:
    assert PAGE.read_text() == text, "run `make docs`"


def test_every_link_leads_somewhere(text: str) -> None:
    headings = re.findall(r"^#+ (\S.*)$", text, re.MULTILINE)
    places = [heading.lower().replace(" ", "-") for heading in headings]
    assert len(places) == len(set(places))
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert links <= set(places)
    assert "leasebatch" in links


def test_methods_say_what_they_take_give_and_need(text: str) -> None:
    assert "`StreamLabels(stream StreamLabelsRequest) returns (StreamLabelsResponse)`" in text
    assert "`WatchRun(WatchRunRequest) returns (stream WatchRunResponse)`" in text
    lease = text[text.index("### LeaseBatch") :]
    assert "role `annotator`" in lease.splitlines()[2]
    assert "Leases the best items that are neither leased nor answered." in lease


def test_fields_have_types_and_comments(text: str) -> None:
    for row in (
        "| `metrics` | map of string to double | ",
        "| `items` | repeated [RankedItem](#rankeditem) | Best first. |",
        "| `lease_duration` | `google.protobuf.Duration` | 1 second to 7 days; default 1 hour. |",
        "| `label` | one of: string | One class name. *Up to 200 characters.* |",
        "| `accuracy` | optional double | ",
        "| `BATCH_STATE_OPEN` | Some items are still leased. |",
        "| `NOT_FOUND` | What was named does not exist. |",
        "| `RESOURCE_EXHAUSTED` | The caller has had its share for now. |",
    ):
        assert row in text


@pytest.mark.parametrize(
    ("message", "name", "comment", "said"),
    [
        (query_service_pb2.LeaseBatchRequest, "size", "", "1 to 1,000."),
        (query_service_pb2.LeaseBatchRequest, "size", "1 to 1000.", ""),
        (query_service_pb2.LeaseBatchRequest, "parent", "", "Must look like 'pools/{pool}'."),
        (query_service_pb2.LeaseBatchRequest, "parent", "A pool.", ""),
        (label_service_pb2.LabelInput, "answer", "", "Required."),
        (label_service_pb2.ListLabelEventsRequest, "page_size", "", ""),
        (
            label_service_pb2.Candidates,
            "labels",
            "",
            "2 to 1,000 entries. Up to 200 characters each.",
        ),
        (pool_service_pb2.Pool, "etag", "", "Up to 200 characters."),
        (pool_service_pb2.Pool, "create_time", "", ""),
    ],
)
def test_rules_in_words(message: type[Message], name: str, comment: str, said: str) -> None:
    proto = DescriptorProto()
    message.DESCRIPTOR.CopyToProto(proto)
    (field,) = (each for each in proto.field if each.name == name)
    assert rules_of(field, comment) == said
