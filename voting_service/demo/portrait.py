"""Drawn portraits: obviously nobody, the same for a number every time."""

from __future__ import annotations

_DRAWING = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 400" role="img" aria-label="{label}">
<rect width="320" height="400" fill="hsl({background} 38% 90%)"/>
<circle cx="{sun_x}" cy="84" r="46" fill="hsl({background} 45% 82%)"/>
<path d="M0 400V330Q80 {hill} 160 330T320 318V400Z" fill="hsl({background} 32% 78%)"/>
<path d="M60 400Q64 288 160 282Q256 288 260 400Z" fill="hsl({clothes} 36% 42%)"/>
<path d="M140 250h40v40q-20 16-40 0Z" fill="hsl(28 {skin}% 68%)"/>
<ellipse cx="160" cy="206" rx="54" ry="64" fill="hsl(28 {skin}% 74%)"/>
<path d="M96 190a64 70 0 0 1 128 0q8 2 8 10H88q0-8 8-10Z" fill="hsl({hat} 70% 56%)"/>
<path d="M148 122h24l4 66h-32Z" fill="hsl({hat} 70% 48%)"/>
<text x="160" y="372" text-anchor="middle" font-family="sans-serif" font-size="44" \
font-weight="700" fill="#fff">{number:02d}</text>
</svg>
"""


def portrait(number: int, label: str) -> str:
    """An SVG of a figure in a safety helmet; `label` must be free of XML's special characters."""
    step = number * 137  # the golden angle: neighbours differ most
    return _DRAWING.format(
        number=number,
        label=label,
        background=step % 360,
        clothes=(step + 150) % 360,
        hat=(45, 12, 205, 0, 150)[number % 5],
        skin=36 + number % 4 * 6,
        sun_x=70 + number * 53 % 190,
        hill=250 + number * 29 % 50,
    )
