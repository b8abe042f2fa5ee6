/** The page's whole style: system fonts, light and dark, phone and paper. Figures keep a white ground everywhere. */
export const style = `
:root { color-scheme: light dark; --ink: #1c1e21; --soft: #555b63; --ground: #fff; --panel: #f4f5f7; --line: #d5d8dd;
  --link: #1557b0; --warn-ground: #fff3d6; --warn: #6b4700; --bad: #a3180c; --good: #17652b; --takes: #8a4b00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #aab1ba; --ground: #15171a; --panel: #202327;
  --line: #3a3f46; --link: #8ab8ff; --warn-ground: #3a2d0c; --warn: #ffd98a; --bad: #ff9d92; --good: #8fd8a2; --takes: #ffb866; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.5; overflow-wrap: anywhere;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK JP", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 16px 16px 64px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 12px 0 4px; }
h2 { font-size: 1.2rem; margin: 40px 0 8px; padding-top: 8px; border-top: 1px solid var(--line); }
p, li, dd { max-width: 72ch; }
a { color: var(--link); }
.soft, figcaption { color: var(--soft); font-size: .875rem; }
.lead { font-size: 1.05rem; }
.notice { background: var(--warn-ground); color: var(--warn); border-radius: 6px; padding: 8px 14px; margin: 16px 0; }
.notice p { margin: 4px 0; }
figure { margin: 16px 0; }
figcaption { margin-top: 6px; max-width: 80ch; }
.paper svg { display: block; width: 100%; height: auto; }
.paper { background: #fff; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
.narrow { display: none; }
.hint { display: none; margin: 8px 0 2px; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
.scroll:focus-visible { outline: 2px solid var(--link); }
table { border-collapse: collapse; width: 100%; font-size: .78rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { caption-side: top; text-align: left; padding: 8px 10px; color: var(--soft); }
caption span { display: block; max-width: min(80ch, calc(100vw - 64px)); }
th, td { padding: 5px 6px; text-align: right; white-space: nowrap; border-top: 1px solid var(--line); vertical-align: top; }
thead th { background: var(--panel); border-top: 0; white-space: normal; vertical-align: bottom; min-width: 4em; }
th[scope=row], th.text, td.text { text-align: left; }
th[scope=row] { position: sticky; left: 0; background: var(--ground); font-weight: 600; max-width: 14em; overflow: hidden; text-overflow: ellipsis; }
thead tr:first-child th:first-child { position: sticky; left: 0; text-align: left; }
.sub { display: block; color: var(--soft); font-weight: 400; }
.verdicts { list-style: none; padding-left: 0; }
.verdicts li { margin: 4px 0; }
nav ol { padding-left: 1.4em; }
nav ol > li { margin: 10px 0; }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 999px; padding: 0 .6em; font-size: .8rem; white-space: nowrap; }
.badge.supported { color: var(--good); }
.badge.contradicted { color: var(--bad); }
.badge.not-supported, .badge.undecided, .badge.no-difference-shown { color: var(--soft); }
.badge.training-adds { color: var(--link); }
.badge.training-takes-away { color: var(--takes); }
.against { display: inline-block; margin-right: .6em; }
.claims { font-size: .875rem; margin: 12px 0; }
.claims td, .claims tbody th { text-align: left; white-space: normal; position: static; max-width: none; }
.claims td { border-top: 0; padding-top: 2px; padding-bottom: 2px; }
.claims tbody th { font-weight: 600; padding-top: 10px; overflow-wrap: anywhere; }
.claims thead th { text-align: left; }
.claims td:first-child { white-space: nowrap; }
th.group { text-align: left; border-left: 1px solid var(--line); }
.bad { color: var(--bad); font-weight: 600; }
.good { color: var(--good); }
details { margin: 8px 0; border: 1px solid var(--line); border-radius: 6px; padding: 6px 12px; }
details[open] { padding-bottom: 12px; }
summary { cursor: pointer; font-weight: 600; }
dl { display: grid; grid-template-columns: minmax(9em, max-content) 1fr; gap: 4px 16px; margin: 8px 0; font-size: .875rem; }
dt { color: var(--soft); }
dd { margin: 0; }
code { font: .85em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--panel); border-radius: 6px; padding: 10px 12px; white-space: pre-wrap; margin: 8px 0; }
@media (max-width: 800px) {
  body { font-size: 15px; }
  main { padding: 8px 10px 48px; }
  h1 { font-size: 1.3rem; }
  .wide { display: none; }
  .narrow { display: block; }
  .hint { display: block; }
  .narrow svg { margin: 0 auto; }
  th, td { padding: 5px 7px; }
  th[scope=row] { max-width: 10em; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 8px; }
  details { padding: 6px; }
  .claims thead { display: none; }
  .claims tbody tr { display: flex; flex-wrap: wrap; }
  .claims td { padding-top: 4px; }
  .claims td:last-child { flex-basis: 100%; padding-top: 0; }
}
@media print {
  @page { margin: 14mm; }
  :root { color-scheme: light; --ink: #000; --soft: #444; --ground: #fff; --panel: #f0f0f0; --line: #bbb; --link: #000;
    --warn-ground: #fff; --warn: #000; --bad: #000; --good: #000; --takes: #000; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  .wide { display: block; }
  .narrow, .hint { display: none; }
  .scroll { overflow: visible; border: 0; }
  table { font-size: 6pt; }
  th, td { padding: 2px 2px; }
  details:not([open]) { display: none; }
  thead th { min-width: 0; }
  thead { display: table-header-group; }
  th[scope=row], thead tr:first-child th:first-child { position: static; max-width: none; }
  h2, h3 { break-after: avoid; }
  figure, tr, .notice { break-inside: avoid; }
  .downloads { display: none; }
  svg, thead th { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
