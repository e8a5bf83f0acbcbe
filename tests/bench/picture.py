"""The latencies as a picture: a dot at the median, a line to the p99, on a
logarithmic scale."""

import html
import math

from report import FLOORS, ROWS, firsts, number

LEFT, RIGHT, TOP, STEP, WIDTH = 330, 70, 58, 26, 900
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 }
.axis, .value { fill: #57606a; font-size: 12px }
.grid { stroke: #d0d7de }
.ours { fill: #1a7f37; stroke: #1a7f37 }
.others { fill: #0969da; stroke: #0969da }
.floor { fill: #8c959f; stroke: #8c959f }
.span { stroke-width: 3; opacity: .45 }
.back { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .axis, .value { fill: #9198a1 }
  .grid { stroke: #30363d } .back { fill: #0d1117 }
  .ours { fill: #3fb950; stroke: #3fb950 }
  .others { fill: #58a6ff; stroke: #58a6ff }
}
"""


def group(key):
    if key in FLOORS:
        return "floor"
    return "ours" if key.startswith("spawn_") else "others"


def decades(values):
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))


def svg(figures):
    shown = [(key, label, *firsts(figures, key)) for key, label in ROWS]
    # A page fault is a part of the others, and would stretch the axis.
    shown = [row for row in shown if row[2] and row[0] != "page_fault"]
    low, high = decades([value for row in shown for value in row[2:]])
    height = TOP + STEP * len(shown) + 34
    bottom = TOP + STEP * len(shown)

    def x(ms):
        share = (math.log10(ms) - low) / (high - low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' width="{WIDTH}" height="{height}" role="img">',
        "<title>Request to first trio task, in milliseconds</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="back" width="{WIDTH}" height="{height}"/>',
        '<text class="title" x="16" y="26">From the request to the first trio task:'
        " median (dot) to p99 (line), milliseconds, logarithmic</text>",
    ]
    for decade in range(low, high + 1):
        at = x(10**decade)
        lines += [
            f'<line class="grid" x1="{at}" x2="{at}" y1="{TOP - 14}" y2="{bottom}"/>',
            f'<text class="axis" x="{at}" y="{bottom + 18}" text-anchor="middle">'
            f"{10.0**decade:g}</text>",
        ]
    for index, (key, label, middle, p99) in enumerate(shown):
        y = TOP + STEP * index
        kind = group(key)
        text = html.escape(label.replace("`", ""))
        lines += [
            f'<text x="{LEFT - 16}" y="{y + 4}" text-anchor="end">{text}</text>',
            f'<line class="span {kind}" x1="{x(middle)}" x2="{x(p99)}"'
            f' y1="{y}" y2="{y}"/>',
            f'<circle class="{kind}" cx="{x(middle)}" cy="{y}" r="5"/>',
            f'<text class="value" x="{x(p99) + 10}" y="{y + 4}">'
            f"{number(middle, 3 if kind == 'floor' else 2)}</text>",
        ]
    return "\n".join([*lines, "</svg>", ""])
