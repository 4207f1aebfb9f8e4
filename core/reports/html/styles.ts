/** The page's style sheet. One set of colours for light and one for dark; paper gets the light one. */
export const styles = `
:root {
  color-scheme: light dark;
  --page: #f7f7f5; --card: #ffffff; --ink: #1c1e21; --soft: #5d6470; --line: #e2e3e0; --faint: #f0f0ed;
  --pass: #1a7f47; --fail: #c0322b; --inconclusive: #97650a; --error: #8a3ab9; --accent: #2459c4;
  --pass-bg: #e4f4ea; --fail-bg: #fce8e6; --inconclusive-bg: #fbf0d9; --error-bg: #f3e6fa; --mark: #fdeaa8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14161a; --card: #1c1f25; --ink: #e7e9ec; --soft: #9aa3af; --line: #30353d; --faint: #23272e;
    --pass: #5fd08f; --fail: #ff8178; --inconclusive: #e9b949; --error: #cf9bf0; --accent: #86abff;
    --pass-bg: #16331f; --fail-bg: #3d1d1b; --inconclusive-bg: #38290c; --error-bg: #31203d; --mark: #5a4a12;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Noto Sans CJK SC", sans-serif;
}
main { max-width: 1240px; margin: 0 auto; padding: 40px 24px 64px; }
h1, h2, h3 { line-height: 1.25; margin: 0; text-wrap: balance; }
h1 { font-size: 28px; letter-spacing: -0.015em; }
h2 { font-size: 19px; margin: 44px 0 14px; letter-spacing: -0.01em; }
h3 { font-size: 16px; }
p { margin: 0; }
.lead { font-size: 17px; margin-top: 10px; max-width: 78ch; }
.soft, figcaption { color: var(--soft); }
.small, figcaption { font-size: 13px; }
.title { display: flex; flex-wrap: wrap; gap: 10px 16px; align-items: center; }
.badge {
  display: inline-flex; gap: 6px; align-items: center; padding: 2px 10px; border-radius: 999px;
  font-size: 13px; font-weight: 600; white-space: nowrap;
}
.title .badge { font-size: 15px; padding: 4px 14px; }
.pass { color: var(--pass); background: var(--pass-bg); }
.fail { color: var(--fail); background: var(--fail-bg); }
.inconclusive { color: var(--inconclusive); background: var(--inconclusive-bg); }
.error { color: var(--error); background: var(--error-bg); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px 20px; }
.card + .card { margin-top: 16px; }
.scroll { overflow-x: auto; }
.flush { padding: 4px 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 9px 12px; text-align: left; vertical-align: baseline; }
th { font-size: 12.5px; font-weight: 600; color: var(--soft); white-space: nowrap; }
thead th { border-bottom: 1px solid var(--line); }
tbody tr + tr > * { border-top: 1px solid var(--line); }
tbody th { font-size: inherit; color: inherit; }
td.right, th.right { text-align: right; white-space: nowrap; }
tr.baseline > * { background: var(--faint); }
.under { display: block; font-weight: 400; font-size: 12.5px; color: var(--soft); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 16px; align-items: start; }
.charts .under { display: block; font-weight: 400; }
figure { margin: 0; }
figure h3 { margin-bottom: 2px; }
svg { display: block; width: 100%; height: auto; margin-top: 10px; }
svg text { fill: var(--ink); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
svg text.axis { fill: var(--soft); font-size: 11.5px; }
svg text.name { font-weight: 600; }
.grid { stroke: var(--line); stroke-width: 1; }
.zero { stroke: var(--soft); stroke-width: 1; }
.limit { stroke: var(--fail); stroke-width: 1.5; stroke-dasharray: 5 4; }
.noise { fill: var(--soft); opacity: 0.13; }
.whisker { stroke-width: 2; stroke-linecap: round; opacity: 0.75; }
.dot { stroke: var(--card); stroke-width: 2; }
.tint-pass { stroke: var(--pass); } .tint-fail { stroke: var(--fail); }
.tint-inconclusive { stroke: var(--inconclusive); } .tint-error { stroke: var(--error); } .tint-baseline { stroke: var(--accent); }
.fill-pass { fill: var(--pass); } .fill-fail { fill: var(--fail); }
.fill-inconclusive { fill: var(--inconclusive); } .fill-error { fill: var(--error); } .fill-baseline { fill: var(--accent); }
.gates { list-style: none; margin: 14px 0 0; padding: 0; }
.gates li { display: grid; grid-template-columns: 118px 1fr; gap: 4px 14px; padding: 9px 0; border-top: 1px solid var(--line); }
.gates code { color: var(--soft); white-space: nowrap; }
code, .digest { font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.digest { overflow-wrap: anywhere; }
details { margin-top: 14px; border-top: 1px solid var(--line); padding-top: 12px; }
summary { cursor: pointer; font-weight: 600; }
summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 4px; }
.sample { margin-top: 14px; }
.texts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr)); gap: 12px; margin-top: 6px; }
.texts > div { background: var(--faint); border-radius: 8px; padding: 10px 12px; min-width: 0; }
.texts p { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 14px; }
.texts .small { display: flex; justify-content: space-between; gap: 8px; margin-bottom: 4px; }
mark { background: var(--mark); color: inherit; border-radius: 3px; padding: 0 1px; }
ul.notes { margin: 0; padding-left: 18px; }
ul.notes li + li { margin-top: 4px; }
@media (max-width: 560px) {
  main { padding: 24px 14px 40px; }
  .gates li { grid-template-columns: 1fr; }
  .gates code { white-space: normal; }
}
@media print {
  :root {
    --page: #ffffff; --card: #ffffff; --ink: #000000; --soft: #4a4f57; --line: #cfcfcc; --faint: #f5f5f3;
    --pass: #1a7f47; --fail: #c0322b; --inconclusive: #97650a; --error: #8a3ab9; --accent: #2459c4;
    --pass-bg: #ffffff; --fail-bg: #ffffff; --inconclusive-bg: #ffffff; --error-bg: #ffffff; --mark: #fdeaa8;
  }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  th, td { padding: 5px 8px; }
  .scroll { overflow: visible; }
  .badge { border: 1px solid currentColor; }
  .card { break-inside: avoid; }
  .card.long { break-inside: auto; }
  .sample, figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  details::details-content { content-visibility: visible; }
}
`;
