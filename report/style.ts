/** The page's style sheet: light, dark and print; no font or image from elsewhere. */
export const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --line: #d9dee4; --paper: #ffffff; --tint: #f4f6f8; --accent: #2b6cb0; --warn: #9a3412; --warn-tint: #fff4ec; --warn-line: #f0b48c; --baseline: #eef4fb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --soft: #9aa5b1; --line: #343b44; --paper: #14181d; --tint: #1c2229; --accent: #7fb4ea; --warn: #f5b38a; --warn-tint: #2c1f17; --warn-line: #7a4a2c; --baseline: #1b2733; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1260px; margin: 0 auto; padding: 28px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 20px; margin: 48px 0 10px; padding-top: 14px; border-top: 1px solid var(--line); }
h3 { font-size: 15px; margin: 26px 0 6px; }
p { margin: 8px 0; max-width: 78ch; }
.soft, figcaption, caption { color: var(--soft); }
.soft { font-size: 13.5px; }
header p { max-width: none; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
code, .digest { font: 12.5px/1.45 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; }
.digest { overflow-wrap: anywhere; }
nav { margin: 16px 0 0; display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 14px; }
.notice { border: 1px solid var(--warn-line); background: var(--warn-tint); color: var(--warn); border-radius: 8px; padding: 10px 14px; margin: 14px 0; max-width: none; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 14px; margin: 20px 0 4px; }
.card { background: var(--tint); border-radius: 10px; padding: 14px 16px; }
.card h3 { margin: 0 0 6px; }
.card .figures { display: flex; gap: 28px; flex-wrap: wrap; }
.card .big { font-size: 26px; font-weight: 600; line-height: 1.15; font-variant-numeric: tabular-nums; }
.card .of { color: var(--soft); font-size: 13px; }
.wide { overflow-x: auto; margin: 8px 0; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-size: 13px; padding: 0 0 6px; caption-side: top; max-width: min(100ch, calc(100vw - 64px)); }
th, td { padding: 5px 11px 5px 0; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
th:first-child, td:first-child { padding-left: 8px; }
th { font-weight: 600; }
thead th { vertical-align: bottom; color: var(--soft); font-weight: 600; font-size: 0.95em; }
th[scope=row], .text { text-align: left; }
.text { white-space: normal; }
td.failures { white-space: normal; min-width: 96px; font-size: 0.92em; }
td small { display: block; color: var(--soft); font-size: 0.88em; line-height: 1.3; }
tr.baseline > * { background: var(--baseline); }
tr.paper > * { color: var(--soft); font-style: italic; font-weight: normal; border-bottom-color: var(--line); padding-top: 1px; }
tr.paper th { padding-left: 22px; }
tr.followed > * { border-bottom: none; padding-bottom: 1px; }
tr.missing > * { background: var(--warn-tint); color: var(--warn); font-weight: 600; }
td.best { font-weight: 700; }
figure { margin: 14px 0; }
figure svg { display: block; max-width: 100%; height: auto; }
figure.dag { overflow-x: auto; }
figure.dag svg { min-width: 720px; }
figcaption { font-size: 13px; margin-top: 4px; max-width: 90ch; }
.pair { display: flex; flex-wrap: wrap; gap: 0 24px; }
.pair figure { flex: 1 1 460px; }
details { margin: 10px 0; }
summary { cursor: pointer; color: var(--accent); font-size: 14px; }
.gallery { display: grid; gap: 22px; margin-top: 14px; }
.lesion { margin: 0; break-inside: avoid; }
.lesion .panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(180px, 1fr)); gap: 8px; }
.lesion .panel { margin: 0; font-size: 12px; color: var(--soft); }
.lesion img { display: block; width: 100%; border-radius: 5px; background: #000; }
.lesion figcaption { margin: 0 0 6px; font-size: 14px; color: var(--ink); }
.key { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin-right: 5px; vertical-align: -1px; }
.keys { display: flex; flex-wrap: wrap; gap: 2px 16px; max-width: none; }
@media print {
  :root { --ink: #000; --soft: #444; --line: #bbb; --paper: #fff; --tint: #f6f6f6; --accent: #000; --warn: #7a2e0e; --warn-tint: #fff; --warn-line: #7a2e0e; --baseline: #f0f0f0; color-scheme: light; }
  body { font-size: 11px; } main { max-width: none; padding: 0; } nav { display: none; }
  table { font-size: 9.5px; } th, td { padding: 3px 7px 3px 0; } .wide { overflow: visible; }
  h2 { break-after: avoid; } figure, tr, .card { break-inside: avoid; } figure.dag svg { min-width: 0; }
  .lesion .panels { grid-template-columns: repeat(5, 1fr); }
}
`;
