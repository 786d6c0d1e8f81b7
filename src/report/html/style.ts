/** The look of `report.html`. Every text colour has a contrast of 4.5 or better on what it stands on, dark and light. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f5f5f7; --surface: #ffffff; --raised: #ececf0; --line: #d5d6db; --text: #1b1c20; --muted: #5a5e67;
  --accent: #2458c5; --bar: #3f74dd; --check: #e6e6ea;
  --succeeded: #17722f; --reused: #0a6580; --failed: #b92222; --refused: #7f35ad; --held: #8a5300; --cancelled: #5a5e67;
  --left: #5a5e67; --shadow: 0 1px 2px rgb(0 0 0 / .06);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #121317; --surface: #1b1d22; --raised: #282b32; --line: #363a43; --text: #ececf1; --muted: #a5aab5;
    --accent: #8ab0ff; --bar: #6f9bf5; --check: #23262c;
    --succeeded: #57c878; --reused: #56c0dd; --failed: #ff8079; --refused: #cf9ff5; --held: #e8ad48; --cancelled: #a5aab5;
    --left: #a5aab5; --shadow: none;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { scroll-padding-top: 8px; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 24px clamp(12px, 3vw, 32px) 48px; max-width: 1400px;
  background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", "DejaVu Sans", sans-serif;
}
h1, h2, h3, p, ul, dl, dd, figure { margin: 0; padding: 0; }
h1 { font-size: 26px; line-height: 1.25; overflow-wrap: anywhere; }
h2 { font-size: 18px; line-height: 1.3; }
h3 { font-size: 15px; }
ul { list-style: none; }
code, pre, .key, .code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: .92em; }
bdi { overflow-wrap: anywhere; }
a { color: var(--accent); }
.muted { color: var(--muted); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -999px; }
.skip:focus { position: static; }
.off-screen { position: fixed; left: -999px; top: 0; }

section, #overview { background: var(--surface); border: 1px solid var(--line); border-radius: 12px; padding: 20px; margin-bottom: 16px; box-shadow: var(--shadow); }
.heading { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; justify-content: space-between; margin-bottom: 12px; }
.title { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: baseline; }
.title code { color: var(--muted); }
.state { border: 1px solid currentColor; border-radius: 99px; padding: 0 10px; font-size: 13px; font-weight: 600; color: var(--muted); }
.state-finished { color: var(--succeeded); }
.state-cancelled { color: var(--failed); }
.state-paused, .state-running { color: var(--held); }

.bar { display: flex; gap: 2px; height: 14px; margin: 16px 0 8px; border-radius: 7px; overflow: hidden; }
.bar span { flex: 1 1 0; min-width: 4px; }
.fill-succeeded { background: var(--succeeded); } .fill-reused { background: var(--reused); } .fill-failed { background: var(--failed); }
.fill-refused { background: var(--refused); } .fill-held { background: var(--held); }
.fill-cancelled { background: var(--cancelled); } .fill-left { background: var(--raised); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; }
.is-succeeded { --outcome: var(--succeeded); } .is-reused { --outcome: var(--reused); } .is-failed { --outcome: var(--failed); }
.is-refused { --outcome: var(--refused); } .is-held { --outcome: var(--held); }
.is-cancelled { --outcome: var(--cancelled); } .is-left { --outcome: var(--left); }
.sign { display: inline-block; min-width: 1.1em; margin-right: 4px; color: var(--outcome); font-weight: 700; }
.outcome { color: var(--outcome); font-weight: 600; }

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 16px; margin: 20px 0 4px; }
.tiles dt { color: var(--muted); font-size: 13px; }
.tiles strong { display: block; font-size: 24px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tiles .muted { font-size: 13px; }
.notice { margin-top: 16px; padding: 10px 14px; border-left: 4px solid var(--held); background: var(--raised); border-radius: 4px; }
.more { margin-top: 12px; }
summary { cursor: pointer; color: var(--accent); width: fit-content; }
.facts { display: grid; grid-template-columns: minmax(110px, max-content) 1fr; gap: 4px 16px; margin-top: 8px; }
.facts dt { color: var(--muted); overflow-wrap: anywhere; max-width: 220px; }
.facts dd { overflow-wrap: anywhere; white-space: pre-wrap; }

button, select, input { font: inherit; color: inherit; }
button { cursor: pointer; }
::placeholder { color: var(--muted); opacity: 1; }
.quiet, .toggle, .chip, select, input { min-height: 34px; border: 1px solid var(--line); border-radius: 8px; background: var(--surface); padding: 4px 12px; }
.quiet:hover, .toggle:hover, .chip:hover, .id:hover { background: var(--raised); }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; flex: none; }

.causes > li { border-left: 4px solid var(--failed); padding: 2px 0 2px 16px; margin-top: 20px; }
.causes .heading { margin-bottom: 4px; }
.causes h3 { display: flex; gap: 10px; align-items: baseline; }
.count { font-size: 22px; font-variant-numeric: tabular-nums; }
.message { color: var(--muted); overflow-wrap: anywhere; }
.ids { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin-top: 6px; }
.id { border: 1px solid var(--line); border-radius: 6px; background: var(--raised); padding: 1px 8px; max-width: 100%; font-size: 13px; text-align: start; }

.scrolls { overflow: auto; max-height: 460px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: start; padding: 6px 10px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: 400; }
thead th { color: var(--muted); font-size: 13px; white-space: nowrap; position: sticky; top: 0; background: var(--surface); }
.group { min-width: 120px; }
.number { text-align: end; white-space: nowrap; padding-right: 0; padding-left: 10px; }
.cost-bar { display: block; height: 4px; margin-top: 4px; border-radius: 2px; background: var(--bar); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 20px 32px; }
figcaption { display: flex; flex-direction: column; margin: 8px 0; }
figcaption .muted { font-size: 13px; }
.plot-frame { height: 210px; overflow: hidden; }
.plot { display: block; font-size: 12px; }
.plot text { fill: var(--muted); }
.plot .axis-label { fill: var(--text); }
.bar-fill { fill: var(--bar); }
.bar-fill:hover { fill: var(--text); }
.grid { stroke: var(--line); }
.axis { stroke: var(--muted); }

#pictures { padding-bottom: 8px; min-height: 90vh; }
.filters { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; padding: 10px 0; margin-bottom: 8px; background: var(--surface); border-bottom: 1px solid var(--line); }
.text-filter { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.text-filter input { width: 260px; max-width: 100%; }
.text-filter select { max-width: 160px; }
.outcome-filter { display: flex; flex-wrap: wrap; gap: 6px; }
.toggle { white-space: nowrap; }
.toggle[aria-pressed="true"] { border-color: var(--outcome); background: var(--raised); box-shadow: inset 0 0 0 1px var(--outcome); }
.chip { border-color: var(--failed); border-radius: 99px; }
.shown { margin-left: auto; white-space: nowrap; }
.none { padding: 40px 0; text-align: center; color: var(--muted); }
.sheet { padding-top: 4px; }
.chunk { display: grid; grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); grid-auto-rows: 232px; gap: 12px; align-content: start; contain: layout style; }
.card { display: flex; flex-direction: column; gap: 2px; height: 232px; padding: 8px; text-align: start; border: 1px solid var(--line); border-top: 3px solid var(--outcome); border-radius: 10px; background: var(--surface); overflow: hidden; }
.card:hover { background: var(--raised); }
.picture { position: relative; display: grid; place-items: center; width: 100%; height: 148px; flex: none; border-radius: 6px; overflow: hidden; background: var(--raised); }
.picture img, .panel-picture img { max-width: 100%; max-height: 148px; object-fit: contain; background: repeating-conic-gradient(var(--check) 0 25%, var(--surface) 0 50%) 0 0 / 16px 16px; }
.placeholder { display: flex; flex-direction: column; gap: 4px; align-items: center; padding: 8px; text-align: center; font-size: 12px; line-height: 1.3; color: var(--muted); max-width: 100%; }
.big-sign { font-size: 28px; line-height: 1; color: var(--outcome); }
.placeholder-more { font-size: 11px; display: -webkit-box; -webkit-line-clamp: 3; -webkit-box-orient: vertical; overflow: hidden; }
.badge { position: absolute; right: 6px; top: 6px; padding: 0 7px; border-radius: 99px; background: var(--text); color: var(--surface); font-size: 12px; font-weight: 600; }
.card-id { font-size: 13px; font-weight: 600; line-height: 1.3; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; margin-top: 4px; }
.card-foot { display: flex; justify-content: space-between; gap: 6px; margin-top: auto; font-size: 12px; white-space: nowrap; }

dialog { margin: 0 0 0 auto; height: 100dvh; max-height: none; width: min(620px, 100vw); max-width: 100vw; padding: 0; border: 0; border-left: 1px solid var(--line); background: var(--surface); color: var(--text); overflow-y: auto; overscroll-behavior: contain; }
dialog::backdrop { background: rgb(0 0 0 / .5); }
.panel { padding: 0 20px 32px; }
.panel h3 { margin: 20px 0 4px; }
.panel-head { position: sticky; top: 0; display: flex; gap: 12px; justify-content: space-between; align-items: flex-start; padding: 16px 0 12px; background: var(--surface); border-bottom: 1px solid var(--line); z-index: 1; }
.panel-head > :first-child { min-width: 0; }
.panel-head h2 { display: -webkit-box; -webkit-line-clamp: 3; -webkit-box-orient: vertical; overflow: hidden; }
.panel-head .buttons { flex-wrap: nowrap; gap: 4px; }
.panel-picture img { max-height: 160px; }
.panel-picture { display: grid; place-items: center; min-height: 120px; margin-top: 16px; border-radius: 8px; background: var(--raised); padding: 8px; --outcome: var(--muted); }
.error-block { margin-top: 16px; padding: 10px 14px; border-left: 4px solid var(--failed); background: var(--raised); border-radius: 4px; overflow-wrap: anywhere; }
.error-block p + p { margin-top: 6px; }
.prompt { margin: 0 0 8px; padding: 10px 12px; background: var(--raised); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 320px; overflow: auto; font: inherit; }
.objects li + li { margin-top: 8px; }
.object { display: flex; gap: 10px; justify-content: space-between; align-items: center; margin-top: 4px; }
.object .quiet { flex: none; min-height: 28px; padding: 1px 10px; font-size: 13px; }
.key { overflow-wrap: anywhere; }

@media (max-width: 560px) {
  body { padding-top: 8px; }
  section, #overview { padding: 14px; border-radius: 10px; margin-bottom: 10px; }
  .tiles { grid-template-columns: repeat(2, 1fr); gap: 12px; }
  .filters { position: static; }
  .text-filter, .text-filter input { width: 100%; }
  table { font-size: 13px; }
  thead th { white-space: normal; }
  .group { min-width: 84px; }
  .number { padding-left: 6px; }
  .optional { display: none; }
  .facts { gap: 4px 10px; }
  .facts dt { max-width: 38vw; }
  .panel { padding: 0 14px 24px; }
}
@media print { .filters, .buttons, .skip { display: none !important; } section { break-inside: avoid; box-shadow: none; } }
`
