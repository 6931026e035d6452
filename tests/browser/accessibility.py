"""What axe-core finds, what a keyboard reaches, what large text loses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Frame, Page

RULES = (
    "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice",
)  # fmt: skip
OF_A_MODE = ("color-contrast", "target-size", "scrollable-region-focusable")
"""The rules that colours and sizes decide."""
MODES = {"dark": ("dark", "usual"), "elder": ("", "elder"), "": ("", "usual")}
"""Theme and size; the usual ones stay."""

_AXE = f"""{AXE_SCRIPT};
(() => {{
  const {{ prototype }} = axe.commons.color.Color;
  const parse = prototype.parseString;
  const parsed = new Map();
  prototype.parseString = function (text) {{
    if (parsed.has(text)) return Object.assign(this, parsed.get(text));
    parse.call(this, text);
    const {{ r, g, b, alpha }} = this;
    parsed.set(text, {{ r, g, b, alpha }});
    return this;
  }};
}})();"""
"""axe-core, which parses each colour once. By itself it does so for every element and everything
behind it, and that takes longer than all that it looks at."""

_RUN = """async (tags) => {
  const found = await axe.run(document, {runOnly: tags, resultTypes: ["violations"]});
  return found.violations.map(({id, impact, help, nodes}) => ({id, impact, help,
    nodes: nodes.map(({target, html, failureSummary}) => ({target, html, failureSummary}))}));
}"""

_FOCUSED = """() => {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  if (!focused || focused === document.body) return null;
  const box = focused.getBoundingClientRect();
  const style = getComputedStyle(focused);
  return {
    tag: focused.localName,
    name: (focused.getAttribute("aria-label") ?? focused.innerText ?? "").trim()
      .replace(/\\s+/g, " ") || focused.labels?.[0]?.innerText.trim() || "",
    href: focused.getAttribute("href"),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
    seen: box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
  };
}"""

_LOST = """(ignore) => {
  const lost = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth + 1)
    lost.push(`the page is ${root.scrollWidth} px wide in a window of ${root.clientWidth}`);
  for (const element of document.querySelectorAll("body *")) {
    if (ignore && element.closest(ignore)) continue;
    const style = getComputedStyle(element);
    if (style.overflow === "visible" || style.clipPath !== "none") continue;
    if (style.overflow === "auto" || style.overflow === "scroll") continue;
    if (!element.checkVisibility() || !element.innerText?.trim()) continue;
    if (element.scrollWidth > element.clientWidth + 1 ||
        element.scrollHeight > element.clientHeight + 1)
      lost.push(`cut off: <${element.localName} class="${element.className}"> ` +
                element.innerText.trim().slice(0, 40));
  }
  return lost;
}"""


async def violations(page: Page | Frame, rules: Sequence[str] = RULES) -> list[str]:
    """What breaks WCAG 2.2 A or AA or a best practice, one readable line each."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(_AXE)  # comes from the debugger, which no policy forbids
    result: list[dict[str, Any]] = await page.evaluate(_RUN, list(rules))
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}\n"
        + "\n".join(
            f"    {node['target']}  {node['html'][:200]}\n      {node['failureSummary']}"
            for node in rule["nodes"][:5]
        )
        for rule in result
    ]


async def assert_accessible(page: Page | Frame) -> None:
    """axe-core finds nothing."""
    result = await violations(page)
    assert not result, f"{page.url}\n" + "\n".join(result)


async def violations_in_every_mode(page: Page) -> list[str]:
    """What axe-core finds in light, dark and elder mode; the page is light again afterwards."""
    result = await violations(page)
    for mode, (theme, size) in MODES.items():
        await page.evaluate(
            "(look) => Object.assign(document.documentElement.dataset, look)",
            {"theme": theme, "size": size},
        )
        result += [
            f"{mode}: {violation}"
            for violation in (await violations(page, OF_A_MODE) if mode else ())
        ]
    return [f"{page.url} {line}" for line in result]


async def assert_accessible_in_every_mode(page: Page) -> None:
    """axe-core finds nothing, in dark mode and in elder mode neither."""
    result = await violations_in_every_mode(page)
    assert not result, "\n".join(result)


async def focused(page: Page) -> dict[str, Any] | None:
    """The element that has the keyboard, through shadow roots: tag, name, href, outlined, seen;
    None for the page itself."""
    result: dict[str, Any] | None = await page.evaluate(_FOCUSED)
    return result


async def tab_to(page: Page, name: str, *, at_most: int = 60, key: str = "Tab") -> dict[str, Any]:
    """Presses Tab until an element whose name holds `name` has the keyboard. Every stop on the
    way must show an outline and be on the screen."""
    passed: list[str] = []
    for _ in range(at_most):
        await page.keyboard.press(key)
        at = await focused(page)
        if at is None:
            continue
        assert at["outlined"], f"nothing shows that {at} has the keyboard"
        assert at["seen"], f"the keyboard is at {at}, which is not on the screen"
        if name in at["name"]:
            return at
        passed.append(at["name"][:30])
    raise AssertionError(f"{at_most} × {key} never reached {name!r}; passed {passed}")


async def scale_text(page: Page, factor: float = 2) -> None:
    """What a reader's larger default font does."""
    await page.evaluate(
        "(percent) => { document.documentElement.style.fontSize = `${percent}%`; }", factor * 100
    )


async def assert_nothing_lost(page: Page, *, ignore: str = "") -> None:
    """Nothing is cut off and nothing has to be scrolled sideways; elements that match the
    selector `ignore` are shortened on purpose."""
    lost: list[str] = await page.evaluate(_LOST, ignore)
    assert not lost, f"{page.url}\n" + "\n".join(lost)
