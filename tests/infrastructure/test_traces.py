"""Traces reach a real OTLP receiver, name nobody, and cost nothing while they are off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import HttpUrl

from tests.project.stats import ROOT
from tests.sites.public.api.running_service import BALLOTS, running_service
from voting_service.commands import start_checks
from voting_service.infrastructure import traces
from voting_service.settings import Settings

Spans = dict[str, dict[str, str | int]]


class Receiver:
    """An OTLP/HTTP receiver, in a thread of its own."""

    def __init__(self) -> None:
        self.raw = b""
        self.process = ""
        self.spans: Spans = {}
        self.traces: dict[str, bytes] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.take(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> HttpUrl:
        return HttpUrl(f"http://127.0.0.1:{self.server.server_port}/v1/traces")

    def take(self, body: bytes) -> None:
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {item.key: item.value.string_value for item in resource.resource.attributes}
            self.process = names["service.name"]
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.traces[span.name] = span.trace_id
                    self.spans[span.name] = {
                        item.key: item.value.string_value or item.value.int_value
                        for item in span.attributes
                    }


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


async def test_a_vote_is_a_request_and_a_batch_with_its_steps_and_names_nobody(
    settings: Settings, receiver: Receiver
) -> None:
    on = settings.model_copy(update={"traces_url": receiver.url, "traces_share": 1.0})
    async with running_service(on) as service:
        session = await service.open_session("reader-who-votes")
        traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        answer = await service.cast(session, [1], {"traceparent": traceparent})
        ballot = answer.json()["receipt"]["ballot"]
        await service.client.get(f"{BALLOTS.removesuffix('ballots')}receipts/{ballot}")
    assert receiver.process == "voting-serve"
    assert {"batch", "admit", "commit", "POST create_session", "GET receipt_state"} <= set(
        receiver.spans
    )
    assert receiver.spans["POST CastBallot"] == {
        "http.request.method": "POST",
        "http.response.status_code": 201,
    }
    assert receiver.traces["commit"] == receiver.traces["batch"] != b""
    assert receiver.traces["POST CastBallot"].hex() != traceparent.split("-")[1]
    for secret in (ballot, session, "reader-who-votes", "127.0.0.1"):
        assert secret.encode() not in receiver.raw


def test_while_they_are_off_nothing_is_imported_and_a_span_is_nothing() -> None:
    importing = {
        path.name
        for path in (ROOT / "voting_service").rglob("*.py")
        if re.search(r"^\s*(from|import) (opentelemetry|\S+otlp)\b", path.read_text("utf-8"), re.M)
    }
    assert importing == {"otlp.py"}
    assert not traces.is_on()
    with traces.span("batch") as opened:
        assert opened is None


def test_a_start_without_the_packages_names_them(
    settings: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "PACKAGE", "no_such_package")
    on = settings.model_copy(update={"traces_url": receiver.url})
    [fault] = start_checks._faults_of_files(on, "serve")
    assert (fault.field, "traces" in str(fault)) == ("VOTING_TRACES_URL", True)
