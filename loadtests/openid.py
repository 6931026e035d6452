"""Both sign-ins at a certified OpenID Connect provider: `python -m loadtests.openid`.

Starts a demo and npm's oidc-provider, which the OpenID Foundation certifies, and lets Chromium sign
a voter in on the pages and a supervisor at the console, who first links the account. Prints what
was reached; ends with an error where something was not.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from playwright.async_api import Page, expect

from loadtests import CONTEST
from loadtests.load import FOLDER, running_demo
from loadtests.screenshots import open_chromium, sign_in
from voting_service.contests.repository import NewPlatform, insert_platform
from voting_service.demo.data_folder import DataFolder, StaffLogin
from voting_service.demo.embedded_server import HOST, free_port
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import connect
from voting_service.settings import load_settings

PLATFORM = "login"
CLIENT = "public-vote"
_SOURCE = FOLDER / "openid_provider"
_PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
"""First the Node.js of the wheel: the provider wants a newer one than some systems have."""
_START_SECONDS = 60


@contextmanager
def running_provider(
    folder: Path, port: int, client_secret: str, redirect_uris: Sequence[str]
) -> Iterator[None]:
    """Install the provider into the folder and run it. Raises RuntimeError if it does not start."""
    shutil.copytree(_SOURCE, folder, dirs_exist_ok=True)
    environment = os.environ | {
        "PATH": _PATH,
        "PORT": str(port),
        "CLIENT_SECRET": client_secret,
        "REDIRECT_URIS": " ".join(redirect_uris),
    }
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(install, cwd=folder, env=environment, check=True, timeout=_START_SECONDS * 5)
    provider = subprocess.Popen(
        ["node", "provider.js"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # the wheel's node is a process below another
    )
    try:
        assert provider.stdout is not None
        if not any(line.startswith("listening") for line in provider.stdout):
            raise RuntimeError("the provider did not start; it says why above")
        yield
    finally:
        os.killpg(provider.pid, signal.SIGKILL)
        provider.communicate()


async def register(data: Path, issuer: str, address: str) -> None:
    """Register the provider as a platform, as the tables' owner, who needs no second person."""
    os.environ["VOTING_DATA"] = str(data)
    connection = await connect(load_settings().owner_database_url or "")
    try:
        config = {"issuer": issuer, "client_id": CLIENT, "redirect_uris": [f"{address}/enter"]}
        name = Text(zh="城市通行证", en="City Pass")
        await insert_platform(connection, NewPlatform(PLATFORM, name, "openid_connect", config))
    finally:
        await connection.close()


async def at_provider(page: Page, user: str) -> None:
    """Sign in at the provider and agree, where it asks for either."""
    await page.locator("[name=login]").fill(user)
    await page.locator("[name=password]").fill("any")
    await page.get_by_role("button").first.click()
    agree = page.get_by_role("button", name="Continue")
    if await agree.count():
        await agree.click()


async def voter_signs_in(page: Page, address: str) -> None:
    """From the list over the review to the provider, and back to the review, signed in."""
    await page.goto(f"{address}/zh/{CONTEST}/ballot")
    await page.locator("[name=choice]").first.check()
    await page.locator("form button[type=submit]").last.click()
    await page.get_by_role("link", name="用“城市通行证”登录").click()
    await at_provider(page, "reader-1")
    await page.wait_for_url(f"{address}/zh/{CONTEST}/ballot/review")
    await expect(page.get_by_text("您已通过“城市通行证”登录")).to_be_visible()
    await page.locator("form.cast button").first.click()
    await page.wait_for_url("**/receipts/*")


async def supervisor_signs_in(page: Page, console: str, login: StaffLogin) -> None:
    """By password first, to link the account; then through the provider alone."""
    await sign_in(page, console, login)
    await page.goto(f"{console}/account")
    await page.locator("form[action='/account/openid'] button").click()
    await at_provider(page, "supervisor")
    await page.wait_for_url(f"{console}/account*")
    await page.context.clear_cookies()
    await page.goto(f"{console}/sign-in")
    await page.locator("form[action='/sign-in/openid'] button").click()
    await at_provider(page, "supervisor")
    await page.wait_for_url(f"{console}/")
    await expect(page.get_by_text(login.name).first).to_be_visible()


async def _try_both(address: str, console: str, issuer: str, data: Path) -> None:
    await register(data, issuer, address)
    login = next(account for account in DataFolder(data).staff() if account.name == "supervisor-1")
    async with open_chromium() as browser:
        context = await browser.new_context(locale="zh-CN")
        await voter_signs_in(await context.new_page(), address)
        click.echo("voter: signed in through the provider, back at the review, ballot cast")
        context = await browser.new_context(locale="en-GB")
        await supervisor_signs_in(await context.new_page(), console, login)
        click.echo("supervisor: account linked, then signed in at the console without a password")


@click.command()
def openid() -> None:
    """Try the sign-ins of voters and staff at a certified OpenID Connect provider."""
    with tempfile.TemporaryDirectory(prefix="voting-openid-", ignore_cleanup_errors=True) as folder:
        data, secret = Path(folder) / "data", secrets.token_urlsafe(24)
        files = {"platforms.toml": f'{PLATFORM} = "{secret}"\n', "staff.secret": secret}
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        port, staff_port = free_port(), free_port()
        issuer, console = f"http://{HOST}:{port}", f"http://{HOST}:{staff_port}"
        settings = {
            "VOTING_PLATFORM_SECRETS_FILE": f"{folder}/platforms.toml",
            "VOTING_STAFF_OPENID_ISSUER": issuer,
            "VOTING_STAFF_OPENID_CLIENT_ID": CLIENT,
            "VOTING_STAFF_OPENID_CLIENT_SECRET_FILE": f"{folder}/staff.secret",
        }
        with running_demo(data, settings=settings, staff_port=staff_port) as address:
            redirect_uris = (f"{address}/enter", f"{console}/sign-in/openid/callback")
            with running_provider(Path(folder) / "provider", port, secret, redirect_uris):
                asyncio.run(_try_both(address, console, issuer, data))


if __name__ == "__main__":
    openid()
