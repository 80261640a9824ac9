"""The page's script: moves the floor, and says what a point of the router is. Without it all numbers are there."""

from __future__ import annotations

SCRIPT = """
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const plots = [...document.querySelectorAll("svg.chart")].map((svg) => {
    const x = svg.dataset.x.split(",").map(Number), y = svg.dataset.y.split(",").map(Number);
    const on = (s) => (v) => s[2] + (v - s[0]) / (s[1] - s[0]) * (s[3] - s[2]);
    return {svg, x: on(x), y: on(y), find: (name) => svg.querySelector(name)};
  });
  const slider = document.getElementById("floor"), shown = document.getElementById("floor-shown");
  const show = (i) => {
    const f = data.floors[i];
    for (const p of plots) {
      const now = p.find(".now"), line = p.find(".floor");
      now.setAttribute("cx", p.x(f.x)); now.setAttribute("cy", p.y(f.y));
      for (const end of ["y1", "y2"]) line.setAttribute(end, p.y(f.wanted));
    }
    shown.textContent = f.q;
    slider.setAttribute("aria-valuetext", f.spoken);
    for (const key of Object.keys(f.said)) document.getElementById("now-" + key).textContent = f.said[key];
    document.querySelectorAll("tr[data-floor]").forEach((row) => {
      row.classList.toggle("now", Number(row.dataset.floor) === i);
    });
    const bar = document.querySelectorAll("#now-bar rect");
    let start = 0;
    f.shares.forEach((s, t) => {
      bar[t].setAttribute("x", 120 * start); bar[t].setAttribute("width", 120 * s); start += s;
    });
  };
  if (slider) {
    slider.closest("[hidden]").hidden = false;
    slider.addEventListener("input", () => show(Number(slider.value)));
    show(Number(slider.value));
  }
  for (const p of plots) {
    const tip = document.createElement("div");
    tip.className = "tip"; tip.hidden = true;
    p.svg.parentElement.append(tip);
    const seen = (event) => {
      const box = p.svg.getBoundingClientRect(), scale = box.width / p.svg.viewBox.baseVal.width;
      const x = (event.clientX - box.left) / scale, y = (event.clientY - box.top) / scale;
      let near = null, least = 40 * 40;
      for (const point of data.points) {
        const away = (p.x(point.x) - x) ** 2 + (p.y(point.y) - y) ** 2;
        if (away < least) { least = away; near = point; }
      }
      tip.hidden = near === null;
      if (near === null) return;
      tip.textContent = near.said;
      const left = p.x(near.x) * scale, wide = tip.offsetWidth;
      tip.style.left = Math.max(0, Math.min(left - wide / 2, box.width - wide)) + "px";
      const over = p.y(near.y) * scale - tip.offsetHeight - 14;
      tip.style.top = (over < 0 ? p.y(near.y) * scale + 18 : over) + "px";
    };
    p.svg.addEventListener("pointermove", seen);
    p.svg.addEventListener("pointerdown", seen);
    p.svg.addEventListener("pointerleave", () => { tip.hidden = true; });
  }
})();
"""
