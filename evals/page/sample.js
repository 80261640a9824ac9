// One row, opened: what was asked, what was right, and the arms' answers side by side.

class Sample {
  constructor(samples, place) {
    Object.assign(this, { samples, place, left: 0, right: Math.min(1, samples.nArms - 1), isMarked: true });
  }

  async open(row, at, n, step) {
    this.opening = row;
    const found = await this.samples.row(row);
    if (this.opening !== row) return;
    this.shown = { row, at, n, step, ...found };
    this.draw();
    this.place.scrollTop = 0;
  }

  draw() {
    const { row, at, n, step, id, messages, turns, targets, cells, scorer } = this.shown;
    const title = element("h3", { tabindex: "-1" }, element("bdi", {}, shown(id)));
    this.place.replaceChildren(
      this.#bar(at, n, step), title, this.#tags(row),
      ...messages.map(([role, text]) => block(role === "user" ? "Prompt" : role, text)),
      ...turns.map((text, i) => block(`Then, turn ${i + 2}`, text)),
      ...targets.map((text, i) => block(`Target${targets.length > 1 ? ` ${i + 1}` : ""} (${scorer})`, text)),
      ...(this.samples.nArms > 1 ? [this.#compared()] : []),
      this.#answers(row, cells));
  }

  #bar(at, n, step) {
    const button = (text, label, by, isOff) => {
      const made = element("button", { type: "button", "aria-label": label, disabled: isOff }, text);
      made.addEventListener("click", () => step(by));
      return made;
    };
    const close = button("Close", "Close the sample", 0, false);
    close.classList.add("close");
    return element("div", { class: "steps" }, button("←", "Previous sample", -1, at <= 0),
      button("→", "Next sample", 1, at >= n - 1),
      element("span", { class: "soft" }, `${(at + 1).toLocaleString("en")} of ${n.toLocaleString("en")}`), close);
  }

  #tags(row) {
    const tags = this.samples.tagsOf(row);
    return tags.length ? element("ul", { class: "tags", "aria-label": "Tags" },
      ...tags.map((tag) => element("li", {}, element("bdi", {}, shown(tag))))) : "";
  }

  #compared() {
    const arms = this.samples.meta.arms;
    const pick = (label, side) => {
      const select = element("select", { id: `side-${side}`, "aria-label": label },
        ...arms.map((arm, i) => element("option", { value: i, selected: this[side] === i }, shown(arm))));
      select.addEventListener("change", () => { this[side] = Number(select.value); this.#again(`side-${side}`); });
      return select;
    };
    const mark = element("input", { type: "checkbox", id: "marked", checked: this.isMarked });
    mark.addEventListener("change", () => { this.isMarked = mark.checked; this.#again("marked"); });
    return element("div", { class: "compared", role: "group", "aria-label": "Compare" },
      element("label", { for: "marked" }, mark, " mark the words that differ between"),
      pick("First arm", "left"), "and", pick("Second arm", "right"));
  }

  #again(focused) {
    this.draw();
    document.getElementById(focused).focus();
  }

  #answers(row, cells) {
    const { samples } = this, grid = element("div", { class: "answers" });
    const isPair = this.isMarked && this.left !== this.right;
    const order = [this.left, this.right, ...samples.meta.arms.keys()].filter((arm, i, all) => all.indexOf(arm) === i);
    for (const arm of order) {
      const card = element("section", { class: "answer", "aria-label": `Answer of ${samples.meta.arms[arm]}` },
        element("h4", {}, element("bdi", {}, shown(samples.meta.arms[arm]))));
      for (let repeat = 0; repeat < samples.nRepeats; repeat++) {
        const at = (row * samples.nArms + arm) * samples.nRepeats + repeat;
        const other = arm === this.left ? this.right : arm === this.right ? this.left : -1;
        const cell = cells[arm * samples.nRepeats + repeat];
        const opposite = isPair && other >= 0 ? cells[other * samples.nRepeats + repeat] : 0;
        if (cell) card.append(...this.#answer(cell, at, opposite, arm === this.left, repeat));
      }
      if (card.childElementCount === 1) card.append(element("p", { class: "soft" }, "not asked"));
      grid.append(card);
    }
    return grid;
  }

  #answer(cell, at, opposite, isLeft, repeat) {
    const { samples } = this, state = samples.state[at];
    const error = state >= FIRST_ERROR ? samples.errorOf(state) : "";
    const facts = [[`${cell.i ?? 0} + ${cell.o ?? 0}`, "tokens"], [usdText(samples.cost[at]), "cost"],
      [msText(samples.ms[at]), "time"]];
    if (isNumber(cell.f)) facts.push([msText(cell.f), "first token"]);
    if (cell.j) facts.push([usdText(cell.j), "judge"]);
    if (cell.l) facts.push([usdText(cell.l), "lost to failed tries, at most"]);
    if (cell.t > 1) facts.push([cell.t, "tries"]);
    if (cell.s) facts.push([shown(cell.s), "served by"]);
    if (cell.d) facts.push(["yes", "degraded"]);
    if (error) facts.push([shown(error), "error"]);
    if (cell.w) facts.push([shown(cell.w), "scorer said"]);
    for (const [name, value] of Object.entries(cell.p ?? {})) facts.push([scoreText(value), shown(name)]);
    const list = element("dl", { class: "said" }, element("div", {}, element("dt", {}, "score"),
      element("dd", {}, chip(samples.score[at], error))),
      ...facts.map(([value, name]) => element("div", {}, element("dt", {}, name), element("dd", {}, element("bdi", {}, value)))));
    const head = samples.nRepeats > 1 ? [element("h5", {}, `Repeat ${repeat + 1}`)] : [];
    const earlier = (cell.e ?? []).map((text, i) => block(`Turn ${i + 1}`, text));
    return [...head, list, ...earlier, answerText(cell.a ?? "", opposite ? opposite.a ?? "" : "", isLeft)];
  }
}

function block(title, text) {
  return element("section", { class: "block" }, element("h4", {}, shown(title)),
    element("pre", { dir: "auto", tabindex: "0", "aria-label": title }, shown(text)));
}

function answerText(text, opposite, isLeft) {
  const place = element("pre", { dir: "auto", tabindex: "0", "aria-label": "Answer" });
  if (!text) return element("p", { class: "soft" }, "(no answer)");
  if (!opposite || opposite === text) place.append(shown(text));
  else place.append(...markedWords(text, opposite, isLeft ? "del" : "ins"));
  return place;
}

function markedWords(text, opposite, name) {
  const words = wordsOf(text), [only] = differences(words, wordsOf(opposite)), parts = [];
  for (let i = 0; i < words.length;) {
    let end = i;
    while (end < words.length && only[end] === only[i]) end++;
    const run = shown(words.slice(i, end).join(""));
    parts.push(only[i] ? element(name, {}, run) : run);
    i = end;
  }
  return parts;
}
