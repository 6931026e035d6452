"""Metrics and health on a port of their own, which the proxy of the public site does not reach.

A thread answers, so that it works the same in the three services, and in the process that watches
over several workers. It takes one request at a time and closes slow clients: it is for Prometheus
and for whatever restarts a service, not for crowds.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from voting_service.errors import Refused

CLIENT_SECONDS = 5.0
"""How long a client may keep the port to itself."""

States = Mapping[str, str]
"""Resources and their states; a service is ready when all are `ok`."""


def metrics_text(shared_folder: Path | None = None) -> bytes:
    """Return the metrics in Prometheus' text format; with a folder, summed over the processes that
    share it."""
    if shared_folder is None:
        return generate_latest(REGISTRY)
    _forget_ended_workers(shared_folder)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(shared_folder))  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_ended_workers(folder: Path) -> None:
    """Remove the gauges of workers that have ended: what waited or was open in them is gone."""
    workers = {file.stem.rpartition("_")[2] for file in folder.glob("gauge_live*.db")}
    for worker in workers:
        try:
            os.kill(int(worker), 0)
        except ProcessLookupError:
            mark_process_dead(int(worker), str(folder))  # type: ignore[no-untyped-call]
        except OSError:  # alive, and another user's
            continue


class Answers(NamedTuple):
    """What the port answers. `readiness` is None where the service's own port tells it."""

    shared_folder: Path | None = None
    is_alive: Callable[[], bool] = lambda: True
    readiness: Callable[[], States] | None = None

    def find(self, path: str) -> tuple[int, str, bytes]:
        """Return status, content type and body."""
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, metrics_text(self.shared_folder)
        if path == "/healthz":
            return _state("ok", "stuck", {}, good=self.is_alive())
        if path == "/readyz" and self.readiness is not None:
            states = self.readiness()
            good = all(state == "ok" for state in states.values())
            return _state("ready", "not ready", states, good=good)
        return 404, "text/plain", b""


def _state(well: str, ill: str, states: States, *, good: bool) -> tuple[int, str, bytes]:
    body = json.dumps({"status": well if good else ill, **states}).encode()
    return 200 if good else 503, "application/json", body


@contextmanager
def metrics_port(host: str, port: int | None, answers: Answers | None = None) -> Iterator[None]:
    """Answer on a port inside the block; on none if `port` is None. Raises Refused if the address
    cannot be used."""
    if port is None:
        yield
        return
    try:
        server = _server(host)((host, port), _handler(answers or Answers()))
    except OSError as error:
        raise Refused(
            "infrastructure.metrics_port_taken", host=host, port=port, reason=error.strerror
        ) from None
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _server(host: str) -> type[HTTPServer]:
    class Server(HTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    return Server


def _handler(answers: Answers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = CLIENT_SECONDS

        def do_GET(self) -> None:
            status, content_type, body = answers.find(self.path.partition("?")[0])
            self.send_response(status)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.send_header("cache-control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log nothing: every scrape would be a line."""

    return Handler
