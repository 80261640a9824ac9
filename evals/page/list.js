// The list of rows: as many elements as are in sight, whatever the number of rows.

const ROW_PX = 56, AROUND = 6, SNIPPET_CHARS = 160;

class List {
  constructor(samples, box, onOpen) {
    Object.assign(this, { samples, box, onOpen, rows: new Uint32Array(0), at: -1, arms: [], of: null });
    this.filler = box.querySelector(".filler");
    this.drawn = new Map();
    box.addEventListener("scroll", () => this.#soon(), { passive: true });
    box.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.select(Number(option.dataset.at), { isOpened: true });
    });
    new ResizeObserver(() => this.#soon()).observe(box);
  }

  set(rows, of, arms, at = -1) {
    Object.assign(this, { rows, of, arms });
    this.filler.style.height = `${rows.length * ROW_PX}px`;
    this.#forget();
    this.box.scrollTop = 0;
    this.select(at >= 0 ? at : rows.length ? 0 : -1, { isQuiet: true });
    this.#draw();
  }

  select(at, { isOpened = false, isQuiet = false } = {}) {
    const last = this.drawn.get(this.at);
    if (last) last.setAttribute("aria-selected", "false");
    this.at = at < 0 ? -1 : Math.min(at, this.rows.length - 1);
    if (this.at < 0) { this.box.removeAttribute("aria-activedescendant"); return; }
    this.#intoSight();
    this.#draw();
    this.drawn.get(this.at)?.setAttribute("aria-selected", "true");
    this.box.setAttribute("aria-activedescendant", `option-${this.at}`);
    if (!isQuiet) this.onOpen(this.rows[this.at], this.at, isOpened);
  }

  #key(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / ROW_PX) - 1);
    const to = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, PageDown: this.at + page, PageUp: this.at - page,
      Home: 0, End: this.rows.length - 1, Enter: this.at, " ": this.at }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey || !this.rows.length) return;
    event.preventDefault();
    const isOpened = event.key === "Enter" || event.key === " ";
    this.select(Math.max(0, to), { isOpened });
  }

  #intoSight() {
    const top = this.at * ROW_PX, { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    else if (top + ROW_PX > scrollTop + clientHeight) this.box.scrollTop = top + ROW_PX - clientHeight;
  }

  #soon() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => { this.isDue = false; this.#draw(); });
  }

  #forget() {
    for (const option of this.drawn.values()) option.remove();
    this.drawn.clear();
  }

  #draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW_PX) - AROUND);
    const end = Math.min(this.rows.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / ROW_PX) + AROUND);
    for (const [at, option] of this.drawn) {
      if (at < first || at >= end) { option.remove(); this.drawn.delete(at); }
    }
    for (let at = first; at < end; at++) {
      if (this.drawn.has(at)) continue;
      const option = this.#option(at);
      this.drawn.set(at, option);
      this.filler.append(option);
    }
  }

  #option(at) {
    const row = this.rows[at], { samples, of } = this;
    const name = element("bdi", { class: "what" }, "…"), under = element("bdi", { class: "id" });
    const arms = this.arms, chips = arms.map((arm) => {
      const cell = row * samples.nArms + arm;
      return chip(samples.armScore[cell], samples.armError[cell] && samples.errorOf(samples.armError[cell]));
    });
    const option = element("div", { class: "option", role: "option", id: `option-${at}`, "data-at": at,
      "aria-selected": String(at === this.at), "aria-setsize": this.rows.length, "aria-posinset": at + 1 },
      element("div", { class: "about" }, name,
        element("div", { class: "under" }, under, `${usdText(of.cost[row])} · ${msText(of.ms[row])}`)),
      element("div", { class: "chips" }, ...chips));
    option.style.transform = `translateY(${at * ROW_PX}px)`;
    samples.row(row).then(({ id, messages }) => {
      under.textContent = shown(id);
      name.textContent = shown(messages.at(-1)[1].slice(0, SNIPPET_CHARS)) || "(no prompt kept)";
      const scores = chips.map((made, i) => `${samples.meta.arms[arms[i]]} ${made.textContent}`);
      option.setAttribute("aria-label", shown([id, name.textContent, ...scores].join(", ")));
    });
    return option;
  }
}
