"""The style sheet of the page: its type, and its colours by day and by night."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #f6f5f1; --card: #ffffff; --ink: #1b1b19; --soft: #5c5b55; --faint: #8b8a83; --rule: #e4e2da;
  --library: #2f6fb7; --tests: #d9a441; --code: #2f6fb7; --docstrings: #3c9d83; --comments: #e0a83a;
  --blank: #d5d3ca; --forward: #2f6fb7; --backward: #d9603b; --empty: #f3f2ed; --on: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131412; --card: #1c1d1b; --ink: #efeee8; --soft: #b3b1a8; --faint: #85847c; --rule: #32332f;
    --library: #5c9be0; --tests: #b98a35; --code: #4d8fd8; --docstrings: #3fa98c; --comments: #d39e3a;
    --blank: #454640; --forward: #5c9be0; --backward: #e5744f; --empty: #232421; --on: #10110f;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 56px 32px 80px; }
h1, h2, .tiles b { font-family: "Iowan Old Style", "Palatino Linotype", Palatino, "URW Palladio L", Georgia,
  serif; font-weight: 600; letter-spacing: -0.01em; }
h1 { font-size: clamp(30px, 4.4vw, 46px); line-height: 1.12; margin: 4px 0 14px; }
h2 { font-size: 23px; line-height: 1.25; margin: 0 0 6px; }
p { margin: 0 0 12px; color: var(--soft); max-width: 74ch; }
.kicker { margin: 0; font-size: 12px; letter-spacing: 0.1em; text-transform: uppercase;
  color: var(--faint); }
.lead { font-size: 18px; }
code { font: 0.92em ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  color: var(--ink); }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
  padding: 26px 28px 24px; margin-top: 22px; min-width: 0; }
.pair { display: grid; grid-template-columns: 1fr 1fr; column-gap: 22px; }
@media (max-width: 900px) { .pair { grid-template-columns: 1fr; } main { padding: 32px 14px 48px; } }
.figure { overflow-x: auto; }
ul { list-style: none; margin: 0; padding: 0; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px 48px; margin-top: 26px; }
.tiles li { color: var(--soft); font-size: 13px; }
.tiles b { display: block; font-size: 32px; line-height: 1.15; color: var(--ink);
  font-variant-numeric: lining-nums; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 14px; font-size: 13px;
  color: var(--soft); }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 7px; }
svg { display: block; width: 100%; height: auto; font: inherit; }
svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
svg .name { fill: var(--ink); font-size: 12.5px; }
svg .note { fill: var(--ink); font-size: 11.5px; paint-order: stroke; stroke: var(--card);
  stroke-width: 3px; }
svg .axis { fill: var(--faint); }
svg .end { text-anchor: end; }
svg .middle { text-anchor: middle; }
svg .count { font-size: 10.5px; fill: var(--ink); pointer-events: none; }
svg .count.strong { fill: var(--on); }
svg circle { fill-opacity: 0.5; }
svg g:hover rect, svg circle:hover { filter: brightness(1.15); fill-opacity: 1; }
.grid { stroke: var(--rule); }
.base { stroke: var(--faint); }
.library { fill: var(--library); background: var(--library); }
.tests { fill: var(--tests); background: var(--tests); }
.code { fill: var(--code); background: var(--code); }
.docstrings { fill: var(--docstrings); background: var(--docstrings); }
.comments { fill: var(--comments); background: var(--comments); }
.blank { fill: var(--blank); background: var(--blank); }
.forward { fill: var(--forward); background: var(--forward); }
.backward { fill: var(--backward); background: var(--backward); }
.none { fill: var(--empty); }
.self { fill: var(--rule); }
table { width: 100%; border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 5px 10px; border-bottom: 1px solid var(--rule); white-space: nowrap; }
thead th { font-size: 12px; font-weight: 500; color: var(--faint); vertical-align: bottom; }
tbody th, th.left { text-align: left; padding-left: 0; }
tbody th { font-weight: 500; }
thead th.left:not(:first-child) { padding-left: 10px; }
.strip { display: flex; width: 210px; height: 9px; border-radius: 3px; overflow: hidden; gap: 1px; }
.problems { font-size: 14px; color: var(--soft); }
.problems code { margin-right: 10px; }
@media print { body { background: none; } section { break-inside: avoid; } }
"""
