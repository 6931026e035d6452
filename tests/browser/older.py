"""Browsers that lack what older ones lack."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

WITHOUT = """
for (const [owner, names] of [
  [globalThis, ["ResizeObserver", "structuredClone"]],
  [Intl, ["Segmenter", "ListFormat", "RelativeTimeFormat"]],
  [crypto, ["randomUUID"]],
  [Crypto.prototype, ["randomUUID"]],
  [HTMLFormElement.prototype, ["requestSubmit"]],
  [SubmitEvent.prototype, ["submitter"]],
  [Request.prototype, ["keepalive"]],
  [Object, ["hasOwn", "groupBy", "fromEntries"]],
  [Array.prototype, ["at", "findLast", "toSorted", "toReversed"]],
  [String.prototype, ["at", "replaceAll"]],
  [Promise, ["allSettled", "any", "withResolvers", "try"]],
  [AbortSignal, ["timeout", "any"]],
  [Element.prototype, ["replaceChildren", "checkVisibility"]],
  [Document.prototype, ["replaceChildren"]],
  [DocumentFragment.prototype, ["replaceChildren"]],
]) for (const name of names) delete owner[name];
// What is inherited cannot be deleted, only hidden.
for (const name of ["addEventListener", "removeEventListener"])
  Object.defineProperty(MediaQueryList.prototype, name, { value: undefined });
globalThis.CSSStyleSheet = function CSSStyleSheet() { throw new TypeError("Illegal constructor"); };
"""
"""An init script: what Safari of iOS 12, the web views of 2019, Chromium 78 or Firefox ESR 115
lack of what newer ones have is gone before any script of the page runs."""


class WithoutFetchMetadata:
    """An app that sees requests as from a browser that does not send Sec-Fetch-Site."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "headers" in scope:
            shown = [(n, v) for n, v in scope["headers"] if not n.startswith(b"sec-fetch-")]
            scope = {**scope, "headers": shown}
        await self._app(scope, receive, send)
