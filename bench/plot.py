# SPDX-License-Identifier: Apache-2.0
"""The ratios as an SVG: one row per program, one mark per tool, its place the logarithm."""

import math
from xml.sax.saxutils import escape

# As many as memscope has forms: they are the circles, others the squares.
COLOURS = (
    "#0b62d6", "#d6530b", "#118a4e", "#8a3fc4", "#b8860b", "#c2185b", "#00838f", "#5d4037", "#333",
)
SHAPES = ("circle", "square", "diamond")
LEFT, TOP, ROW, WIDTH, LEGEND = 110, 56, 26, 620, 190


def ticks(most):
    return [t for t in (1, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000) if t <= most * 1.01]


def mark(number, x, y, title):
    colour = COLOURS[number % len(COLOURS)]
    shape = SHAPES[number // len(COLOURS) % len(SHAPES)]
    if shape == "circle":
        body = '<circle cx="%.1f" cy="%.1f" r="5"' % (x, y)
    elif shape == "square":
        body = '<rect x="%.1f" y="%.1f" width="9" height="9"' % (x - 4.5, y - 4.5)
    else:
        body = '<path d="M%.1f %.1fl6 6l-6 6l-6 -6z"' % (x, y - 6)
    return body + ' fill="%s" fill-opacity="0.85"><title>%s</title></%s>' % (
        colour,
        escape(title),
        {"circle": "circle", "square": "rect", "diamond": "path"}[shape],
    )


def svg(title, programs, names, medians):
    """medians: {program: {tool: ratio}}."""
    values = [v for row in medians.values() for v in row.values()]
    most = max([2.0] + values)
    least = min([0.8] + values)
    scale = WIDTH / math.log(most / least * 1.05)
    height = TOP + ROW * max(len(programs), len(names)) + 30

    def place(value):
        return LEFT + scale * math.log(value / least)

    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif"'
        ' font-size="12">' % (LEFT + WIDTH + LEGEND, height),
        '<rect width="100%" height="100%" fill="#fff"/>',
        '<text x="10" y="20" font-size="15">%s</text>' % escape(title),
    ]
    bottom = TOP + ROW * len(programs)
    for tick in ticks(most):
        x = place(tick)
        dark = "#888" if tick == 1 else "#ddd"
        out.append('<path d="M%.1f %dV%d" stroke="%s"/>' % (x, TOP - 8, bottom, dark))
        out.append('<text x="%.1f" y="%d" text-anchor="middle">%gx</text>' % (x, TOP - 14, tick))
    for row, program in enumerate(programs):
        y = TOP + ROW * row + ROW / 2
        out.append('<text x="%d" y="%.1f" text-anchor="end">%s</text>' % (LEFT - 10, y + 4, program))
        for number, name in enumerate(names):
            value = medians.get(program, {}).get(name)
            if value:
                text = "%s, %s: %.2fx" % (program, name, value)
                out.append(mark(number, place(value), y, text))
    for number, name in enumerate(names):
        y = TOP + 20 * number
        out.append(mark(number, LEFT + WIDTH + 24, y, name))
        out.append('<text x="%d" y="%d">%s</text>' % (LEFT + WIDTH + 38, y + 4, escape(name)))
    out.append("</svg>\n")
    return "\n".join(out)
