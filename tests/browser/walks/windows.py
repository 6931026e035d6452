"""One way to walk in any engine: what a walk does to a page, in Chromium, Firefox and WebKit.

Playwright drives Chromium. The others are those of Debian, without the patches that it needs, and
speak WebDriver: WebKitGTK through WebKitWebDriver, Firefox by itself, framed as Marionette.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import httpx
from playwright.async_api import Page

from tests.patience import PATIENCE_SECONDS, eventually

PAUSE_SECONDS = 0.05
"""Between two questions to a browser, each of which is work for it."""
FIREFOX = {
    "dom.ipc.processCount": 1,
    "dom.ipc.processPrelaunch.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "toolkit.telemetry.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "browser.newtabpage.enabled": False,
    "media.gmp-manager.updateEnabled": False,
}
"""Without processes that are kept ready for other pages, and what asks for news."""
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key under which WebDriver names an element."""


class Window(Protocol):
    """A window of a browser, in which a walk goes on as soon as the page has loaded."""

    async def goto(self, url: str) -> None:
        """Open an address."""

    async def click(self, selector: str) -> None:
        """Click the element as soon as a user could."""

    async def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression is in the page."""


async def until(window: Window, condition: str) -> None:
    """Wait until a JavaScript expression is true; a page that is going away answers nothing."""
    last: Any = None

    async def holds() -> bool:
        nonlocal last
        try:
            last = await window.evaluate(f"[location.href, !!({condition})]")
        except Exception as error:  # each engine has its own for a page that is going away
            last = error
            return False
        return bool(last) and bool(last[1])  # Firefox answers null for such a page

    try:
        await eventually(holds, pause_seconds=PAUSE_SECONDS)
    except TimeoutError:
        raise AssertionError(f"never came true: {condition}; last: {last}") from None


class WebDriverFailed(Exception):
    """The browser refused a command."""


class Command(NamedTuple):
    """A command of WebDriver: its path below the session, and its name in Marionette."""

    path: str
    name: str
    method: str = "POST"


GO = Command("url", "Navigate")
FIND = Command("element", "FindElement")
CLICK = Command("element/{id}/click", "ElementClick")
EVALUATE = Command("execute/sync", "ExecuteScript")
RESIZE = Command("window/rect", "SetWindowRect")
FORGET = Command("cookie", "DeleteAllCookies", "DELETE")

Send = Callable[[Command, dict[str, Any]], Awaitable[Any]]
"""Send a command; return its value. Raises WebDriverFailed."""


class WebDriverWindow:
    """The window of a WebDriver session."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def resize(self, width: int, height: int) -> None:
        await self._send(RESIZE, {"width": width, "height": height})

    async def forget(self) -> None:
        """Forget what the page's site has stored, as if nobody had been there."""
        await self._send(FORGET, {})
        await self.evaluate("localStorage.clear()")

    async def goto(self, url: str) -> None:
        await self._send(GO, {"url": url})

    async def click(self, selector: str) -> None:
        last: Exception | None = None

        async def clicked() -> bool:
            nonlocal last
            try:
                element = await self._send(FIND, {"using": "css selector", "value": selector})
                await self._send(CLICK, {"id": element[_ELEMENT]})
            except WebDriverFailed as error:
                last = error
                return False
            return True

        try:
            await eventually(clicked, pause_seconds=PAUSE_SECONDS)
        except TimeoutError:
            raise AssertionError(f"nobody can click {selector}: {last}") from None

    async def evaluate(self, expression: str) -> Any:
        return await self._send(EVALUATE, {"script": f"return ({expression});", "args": []})


class PlaywrightWindow:
    """A page of Playwright's."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def goto(self, url: str) -> None:
        await self.page.goto(url)

    async def click(self, selector: str) -> None:
        await self.page.click(selector)

    async def evaluate(self, expression: str) -> Any:
        return await self.page.evaluate(f"() => ({expression})")


@asynccontextmanager
async def webkit_window() -> AsyncIterator[WebDriverWindow]:
    """Open WebKitGTK's MiniBrowser on a display of its own."""
    async with AsyncExitStack() as stack:
        display = await stack.enter_async_context(_display())
        port = _free_port()
        await stack.enter_async_context(
            _process("WebKitWebDriver", f"--port={port}", DISPLAY=f":{display}", LANG="C.UTF-8")
        )
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_SECONDS)
        )
        await _listening(port)
        answer = await client.post("/session", json={"capabilities": {}})
        assert answer.is_success, answer.text
        session = f"/session/{answer.json()['value']['sessionId']}"

        async def send(command: Command, parameters: dict[str, Any]) -> Any:
            path = command.path.format_map(parameters)
            body = parameters if command.method == "POST" else None
            answer = await client.request(command.method, f"{session}/{path}", json=body)
            value = answer.json()["value"]
            if answer.is_error:
                raise WebDriverFailed(f"{path}: {value}")
            return value

        yield WebDriverWindow(send)  # the browser ends with its display


@asynccontextmanager
async def firefox_window() -> AsyncIterator[WebDriverWindow]:
    """Open Firefox with a profile of its own."""
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="firefox-") as profile:
        (Path(profile) / "user.js").write_text(
            "".join(
                f'user_pref("{name}", {json.dumps(value)});\n'
                for name, value in {**FIREFOX, "marionette.port": port}.items()
            ),
            encoding="ascii",
        )
        async with _process(
            "firefox-esr", "--marionette", "--headless", "--no-remote", "--profile", profile
        ):
            await _listening(port)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            numbers = itertools.count(1)

            async def receive() -> Any:
                size = (await reader.readuntil(b":"))[:-1]
                return json.loads(await reader.readexactly(int(size)))

            async def send(command: Command, parameters: dict[str, Any]) -> Any:
                request = json.dumps([0, next(numbers), f"WebDriver:{command.name}", parameters])
                writer.write(f"{len(request)}:{request}".encode("ascii"))
                _, _, error, result = await receive()
                if error:
                    raise WebDriverFailed(f"{command.name}: {error['message']}")
                return result["value"] if isinstance(result, dict) and "value" in result else result

            try:
                await receive()  # its greeting
                await send(Command("", "NewSession"), {})
                yield WebDriverWindow(send)
            finally:
                writer.close()


async def _listening(port: int) -> None:
    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await eventually(answers)


@asynccontextmanager
async def _display() -> AsyncIterator[int]:
    """A display that nobody sees; its number."""
    reading, writing = os.pipe()
    try:
        async with _process(
            "Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x900x24", "-nolisten", "tcp",
            pass_fds=(writing,),
        ):  # fmt: skip
            os.close(writing)
            number = await asyncio.to_thread(os.read, reading, 16)
            yield int(number)
    finally:
        os.close(reading)


@asynccontextmanager
async def _process(
    *command: str, pass_fds: tuple[int, ...] = (), **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program; end it afterwards."""
    running = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **environment},
        pass_fds=pass_fds,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.terminate()
        await running.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
