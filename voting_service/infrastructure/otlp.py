"""Sends traces to an OTLP/HTTP receiver; imported only where VOTING_TRACES_URL is set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from voting_service.infrastructure.traces import OpenSpan

EXPORT_SECONDS = 5.0
"""How long a receiver may take. Spans beyond the exporter's queue are dropped: no request waits."""


@contextmanager
def exporter(url: str, share: float, process: str) -> Iterator[OpenSpan]:
    """Yield what opens a span. `share` of all traces are sent; a trace begins here, and those of
    clients are not continued. Errors are no part of a span: their texts may name people."""
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(share)),
        resource=Resource(
            {"service.name": f"voting-{process}", "service.version": version("voting-service")}
        ),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=EXPORT_SECONDS))
    )
    tracer = provider.get_tracer("voting_service")
    try:
        yield partial(
            tracer.start_as_current_span, record_exception=False, set_status_on_exception=False
        )
    finally:
        provider.shutdown()
