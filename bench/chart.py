#!/usr/bin/env python3
"""Bars for compare.py's results, as SVG: a column per number of threads, a group per model, a bar per engine, fp32 above and 16 bits below. What was too noisy says so.

    bench/chart.py RESULTS.json CHART.svg
"""
import json
import sys
import textwrap
from html import escape
from pathlib import Path

from judge import is_ours

BAR, GAP, HEAD, LABEL, WIDTH, NUMBER, MARGIN = 15, 14, 22, 170, 190, 84, 16
TITLE, LETTER, LINE = 60, 7, 18  # LETTER: about as wide as one is, at most

# Readable on light and dark; the page around it says which.
STYLE = """text { font: 12px system-ui, sans-serif; fill: #24292f; dominant-baseline: central }
.quiet { fill: #57606a } .title { font-weight: 600; font-size: 14px } .ours { font-weight: 600 }
.bar { fill: #afb8c1 } .bar.ours { fill: #0969da }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .quiet { fill: #8b949e } .bar { fill: #484f58 } .bar.ours { fill: #58a6ff } }"""


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def milliseconds(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def label(row):
    return row["engine"].replace(", its default", f" {row['precision']}").replace(" --precision fp16", " fp16 weights")


def draw_bars(rows, x, y, longest):
    """The bars of one class; lengths are relative to the slowest of the group."""
    parts = []
    for i, row in enumerate(sorted(rows, key=lambda row: (not is_ours(row["engine"]), row["ms"]))):
        middle, length = y + i * BAR + BAR / 2, WIDTH * row["ms"] / longest
        kind = "ours" if is_ours(row["engine"]) else "quiet"
        parts += [text(x + LABEL - 8, middle, label(row), kind, "end"),
                  f'<rect class="bar {kind if is_ours(row["engine"]) else ""}" x="{x + LABEL}" y="{y + i * BAR + 2}" width="{length:.1f}" height="{BAR - 4}" rx="2"/>',
                  text(x + LABEL + length + 6, middle, milliseconds(row["ms"]) + ("" if row["settled"] else " noisy"), kind)]
    return parts


def draw_group(rows, x, y):
    """One model on one number of threads: (parts, height). An output that is off has no bar."""
    rows = [row for row in rows if row["right"]]
    longest = max((row["ms"] for row in rows), default=0)
    parts, at = [], y
    for kind in ("fp32", "reduced"):
        of_kind = [row for row in rows if row["class"] == kind]
        parts += draw_bars(of_kind, x, at, longest)
        at += BAR * len(of_kind) + (5 if of_kind else 0)
    return parts, at - y


def draw(result):
    threads = sorted({row["threads"] for row in result["rows"]})
    column = LABEL + WIDTH + NUMBER
    parts, y = [], TITLE
    for model in dict.fromkeys(row["model"] for row in result["rows"]):
        tallest = 0
        parts.append(text(MARGIN, y + 10, model, "title"))
        for i, count in enumerate(threads):
            rows = [row for row in result["rows"] if row["model"] == model and row["threads"] == count]
            if rows:
                group, height = draw_group(rows, MARGIN + i * column, y + HEAD)
                parts, tallest = parts + group, max(tallest, height)
        y += HEAD + tallest + GAP
    head = [text(MARGIN, 16, "Milliseconds per run, batch 1: shorter is faster", "title")]
    head += [text(MARGIN + LABEL + i * column, 42, f"{count} thread{'s' if count > 1 else ''}", "quiet") for i, count in enumerate(threads)]
    titles = (len(row["model"]) for row in result["rows"])
    width = 2 * MARGIN + max(column * len(threads), 300, (LETTER + 2) * max(titles, default=0))  # 300: the head
    words = [line for part in (f"{result['machine']['text']}, {result['date']}", f"Ropeway {result['commit']}, {', '.join(result['versions'])}")
             for line in textwrap.wrap(part, (width - 2 * MARGIN) // LETTER)]
    foot = [text(MARGIN, y + 4 + i * LINE, line, "quiet") for i, line in enumerate(words)]
    height = y + 4 + LINE * len(words)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:g}" width="{width}" height="{height:g}" role="img">\n<style>{STYLE}</style>\n'
            + "\n".join(head + parts + foot) + "\n</svg>\n")


def main():
    if len(sys.argv) != 3:
        sys.exit("chart.py RESULTS.json CHART.svg: the first is what bench/compare.py --json wrote")
    try:
        result = json.loads(Path(sys.argv[1]).read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"{sys.argv[1]} cannot be read: {error}")
    if not isinstance(result, dict) or "versions" not in result:
        sys.exit(f"{sys.argv[1]} is not what bench/compare.py --json wrote of models; of kernels there is no chart")
    Path(sys.argv[2]).write_text(draw(result))


if __name__ == "__main__":
    main()
