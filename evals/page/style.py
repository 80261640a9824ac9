"""The looks that every page shares: light and dark, wide and narrow, on paper."""

from __future__ import annotations

COLOURS = """
:root{color-scheme:light dark;--paper:#fbfaf7;--ink:#1d2126;--soft:#59616b;--line:#e2dfd8;--card:#fff;
--router:#1b5fc1;--mix:#7a828c;--length:#b45f12;--oracle:#23805c;--floor:#b3261e}
@media (prefers-color-scheme:dark){:root{--paper:#14161a;--ink:#e7e8ea;--soft:#a2a9b3;--line:#2c3037;--card:#1a1d22;
--router:#82b1ff;--mix:#9aa2ad;--length:#f0a662;--oracle:#6fd0a8;--floor:#ff8f86}}
"""

CHART = """
svg text{font-family:ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
fill:var(--soft);font-variant-numeric:tabular-nums}
svg .name{fill:var(--ink);paint-order:stroke;stroke:var(--card);stroke-width:4px}
svg .grid{stroke:var(--line)} svg .axis,svg .tickmark{stroke:var(--soft);stroke-opacity:.6}
svg .band{stroke:none;fill-opacity:.09} svg .band.router{fill-opacity:.2}
svg .curve{fill:none;stroke-width:1.6;stroke-linejoin:round} svg .curve.router{stroke-width:2.6}
svg .curve.mix{stroke-dasharray:6 4} svg .curve.length{stroke-dasharray:2 3}
svg .curve.router{stroke:var(--router)} svg .curve.mix{stroke:var(--mix)}
svg .curve.length{stroke:var(--length)} svg .curve.oracle{stroke:var(--oracle)}
svg .band.router{fill:var(--router)} svg .band.mix{fill:var(--mix)}
svg .band.length{fill:var(--length)} svg .band.oracle{fill:var(--oracle)}
svg .dot,svg .share{fill:var(--router)} svg .single{fill:var(--ink)} svg .whisker{stroke:var(--ink);stroke-width:1.4}
svg .floor{stroke:var(--floor);stroke-dasharray:3 3} svg .now{fill:var(--card);stroke:var(--floor);stroke-width:3}
svg .chance,svg .diagonal{stroke:var(--soft);stroke-dasharray:3 3}
"""

PAGE = (
    COLOURS
    + CHART
    + """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1,h2{font-family:ui-serif,Charter,"Iowan Old Style",Georgia,"Times New Roman",serif;font-weight:600;
text-wrap:balance;line-height:1.2}
h1{font-size:clamp(1.7rem,1.1rem + 2.6vw,2.6rem);margin:.3rem 0 1rem;letter-spacing:-.01em}
h1.long{font-size:clamp(1.35rem,1rem + 1.4vw,1.8rem);line-height:1.3}
h2{font-size:1.35rem;margin:3.2rem 0 .4rem}
p{max-width:42rem;margin:.5rem 0} .soft,caption,figcaption,dt{color:var(--soft)} small,.soft{font-size:.875rem}
.eyebrow{font-size:.8rem;letter-spacing:.07em;text-transform:uppercase;color:var(--soft);margin:0}
.verdict{border-left:4px solid var(--router);padding-left:1.1rem} .verdict.fallen{border-color:var(--floor)}
.lede{font-size:1.08rem}
.facts{display:grid;grid-template-columns:repeat(5,1fr);gap:1px;margin:1rem 0;padding:0;
background:var(--line);border:1px solid var(--line)}
.facts div{background:var(--card);padding:.7rem .9rem}
.facts dd{margin:0;font-size:1.2rem;font-variant-numeric:tabular-nums}
.facts dt{font-size:.8rem} .facts .wide{grid-column:1/-1} .facts .wide dd{font-size:.95rem}
figure{margin:1rem 0 0} .chart{display:block;width:100%;height:auto;background:var(--card);border:1px solid var(--line)}
.plot{position:relative} svg.narrow{display:none}
.tip{position:absolute;pointer-events:none;white-space:pre-line;max-width:17rem;padding:.45rem .6rem;
font-size:.8rem;line-height:1.4;background:var(--ink);color:var(--paper);border-radius:3px;z-index:2;font-variant-numeric:tabular-nums}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;margin:.7rem 0;padding:0;list-style:none;
font-size:.875rem;color:var(--soft)}
.legend li{display:flex;align-items:center;gap:.5rem} .legend svg{width:30px;height:12px}
.slider{display:grid;grid-template-columns:auto 1fr auto;align-items:center;gap:.4rem 1rem;margin:1.1rem 0 .4rem}
.slider[hidden]{display:none} .slider input{width:100%;height:2rem;accent-color:var(--floor);cursor:pointer}
.slider output{font-size:1.3rem;font-variant-numeric:tabular-nums;min-width:4.5rem;text-align:right}
:focus-visible{outline:3px solid var(--router);outline-offset:3px;border-radius:2px}
.scroll{overflow-x:auto;margin:1rem 0;border-block:1px solid var(--line)}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:.3rem 0;font-size:.875rem}
th,td{text-align:right;padding:.38rem .6rem;border-bottom:1px solid var(--line);white-space:nowrap;
vertical-align:middle}
tr:last-child td,tr:last-child th{border-bottom:0}
thead th{font-weight:500;color:var(--soft);font-size:.8rem;vertical-align:bottom}
th:first-child,td.text,th.text{text-align:left} tbody th{font-weight:500}
tr.now>*{background:color-mix(in srgb,var(--floor) 12%,transparent)} tr.ours>*{font-weight:650}
td small{color:var(--soft)}
.bar{display:inline-block;width:6.5rem;height:.7rem;vertical-align:middle}
.interval{vertical-align:middle}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(12rem,1fr));gap:1.2rem;margin:1rem 0}
.tiles figure{margin:0} .tiles figcaption{font-size:.875rem} .reliability{width:100%;max-width:15rem;height:auto}
details{margin:1rem 0} summary{cursor:pointer;color:var(--router)}
.origin{display:grid;grid-template-columns:auto 1fr;gap:.35rem 1.2rem;font-size:.9rem}
.origin dd{margin:0;overflow-wrap:anywhere}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.86em}
dl.terms dt{color:var(--ink);font-weight:600;margin-top:.7rem} dl.terms dd{margin:0;max-width:42rem}
@media (max-width:40rem){main{padding-top:1.5rem} svg.wide-only,td.wide-only{display:none} svg.narrow{display:block}
.slider{grid-template-columns:1fr auto} .slider input{grid-column:1/-1;order:3} .origin{grid-template-columns:1fr;gap:0}
.origin dd{margin-bottom:.6rem} .tiles{grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr))}
th,td{padding:.38rem .5rem} .facts{grid-template-columns:1fr 1fr}
.facts div:nth-child(5){grid-column:1/-1}}
@media print{body{background:#fff} .slider,.tip{display:none} details>*{display:block}}
@media (prefers-reduced-motion:no-preference){svg .now{transition:cx .12s,cy .12s}}
"""
)
