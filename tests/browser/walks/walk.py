"""A voter's whole way, for any engine: from the platform's link to the result."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.browser.site import SLUG, Site
from tests.browser.walks.windows import Window, until
from tests.cut_data import StoredBallot, insert_ballots
from tests.sites.public.information.test_cut_page import SLUG as PAST

CHOSEN = (3, 7)
WATCHED = 9
"""Whose votes are watched in the standings."""
_CARRIED = f"a[href$='/ballot?carried#choices={'.'.join(map(str, CHOSEN))}']"
_IS_RECEIPT = r"/\/receipts\/[0-9a-f]{32}$/.test(location.pathname)"


def shown(selector: str) -> str:
    """The condition that such an element takes room on the page."""
    every = f'[...document.querySelectorAll("{selector}")]'
    return f"{every}.some((element) => element.offsetHeight > 0)"


def at(path: str) -> str:
    """The condition that the window shows a page of the contest."""
    return f'location.pathname === "/zh/{SLUG}{path}" && document.readyState === "complete"'


async def enter(window: Window, site: Site, subject: str) -> None:
    """By the platform's link."""
    await window.goto(site.sign_in_url(site.token(subject), language="zh"))
    await until(window, at(""))


async def choose_on_the_list(window: Window) -> None:
    for number in CHOSEN:
        await window.click(f"[data-choose='{number}']")
    await until(window, f"/{len(CHOSEN)}/.test(document.querySelector('.choice-bar p').innerText)")
    await window.click("#review")


async def choose_on_the_form(window: Window) -> None:
    """As without modules: the list leads to a form."""
    await until(window, shown(f"main a[href='/zh/{SLUG}/ballot']"))
    await window.click(f"main a[href='/zh/{SLUG}/ballot']")
    await until(window, at("/ballot"))
    await send_form(window, CHOSEN)


async def send_form(window: Window, numbers: tuple[int, ...] = ()) -> None:
    """Tick candidates on the ballot form, and go on to the review."""
    for number in numbers:
        await window.click(f"[name=choice][value='{number}']")
    await window.click(".ballot-bar button")


async def cast(window: Window, *, sees_receipt: bool = True) -> None:
    """From the review, through the challenge."""
    await until(window, at("/ballot/review"))
    await window.click("[data-once]")
    await until(window, _IS_RECEIPT if sees_receipt else shown(_CARRIED))


async def carry(window: Window, elsewhere: Window, site: Site, subject: str) -> None:
    """Go on in another browser by the link that carries the choices."""
    link = await window.evaluate(f'document.querySelector("{_CARRIED}").href')
    await enter(elsewhere, site, subject)
    await elsewhere.goto(link)
    await until(elsewhere, f"document.querySelectorAll(':checked').length === {len(CHOSEN)}")
    await send_form(elsewhere)
    await cast(elsewhere)


async def read_receipt(window: Window) -> str:
    """Return its code."""
    await until(window, shown("#stored"))
    code: str = await window.evaluate("document.querySelector('.slip .code').textContent")
    return code


async def try_again(window: Window, site: Site, code: str) -> None:
    """A second vote leads back to the first receipt, whatever this browser remembers."""
    await window.evaluate(f"document.cookie = 'voted-{SLUG}=; path=/; max-age=0'")
    await window.goto(site.page("/ballot"))
    await send_form(window, (8,))
    await until(window, at("/ballot/review"))
    await window.click("[data-once]")
    await until(window, shown(".notice[role=alert]"))
    assert await window.evaluate("document.querySelector('.slip .code').textContent") == code


async def watch_standings(window: Window, site: Site, *, reload: bool) -> None:
    """A vote appears by itself, or by the link that is there without modules."""
    await window.goto(site.page("/standings"))
    await insert_ballots(site.database, site.contest, [StoredBallot([WATCHED], datetime.now(UTC))])
    await site.reconcile()
    if reload:
        await until(window, shown("main a[href='/zh/" + SLUG + "/standings']"))
        await window.click(f"main a[href='/zh/{SLUG}/standings']")
    votes = await site.database.fetchval(
        "select count(*) from ballots where contest_id = $1 and $2 = any(choices)",
        site.contest.id,
        WATCHED,
    )
    row = f"tr[data-number='{WATCHED}'] [data-votes]"
    await until(window, f"document.querySelector(\"{row}\").textContent === '{votes}'")


async def read_result(window: Window, site: Site) -> None:
    """The head of a contest that is over leads to its outcome."""
    await window.goto(f"{site.origin}/zh/{PAST}")
    outcome = f"document.querySelector('header a[href$=\"/{PAST}/outcome\"]').href"
    await window.goto(await window.evaluate(outcome))
    await until(window, f"location.pathname === '/zh/{PAST}/cut'")
    await until(window, shown("tr.line"))


async def walk(
    window: Window, site: Site, *, elsewhere: Window | None = None, has_modules: bool = True
) -> None:
    """The way. A browser that cannot solve a challenge goes `elsewhere` to cast."""
    subject = f"walker-{next(site.subjects)}"
    await enter(window, site, subject)
    await (choose_on_the_list if has_modules else choose_on_the_form)(window)
    await cast(window, sees_receipt=elsewhere is None)
    if elsewhere:
        await carry(window, elsewhere, site, subject)
    code = await read_receipt(elsewhere or window)
    await try_again(window, site, code)
    stored = await site.database.fetch(
        "select choices from ballots where contest_id = $1 order by ballot_id desc limit 1",
        site.contest.id,
    )
    assert [list(row["choices"]) for row in stored] == [list(CHOSEN)]
    await watch_standings(window, site, reload=not has_modules)
    await read_result(window, site)
