// Brings the page to life: what is chosen above the list decides what stands in it.

const MAX_TAGS = 1000;  // to choose from, those with most rows
const $ = (id) => document.getElementById(id);

async function start() {
  const samples = await Samples.read(), form = $("sift"), everyArm = samples.meta.arms.map((_, i) => i);
  const sample = new Sample(samples, $("sample"));
  let turn = 0;

  fill($("arm"), samples.meta.arms);
  fill($("tag"), samples.meta.tags.slice(0, MAX_TAGS).map((tag, i) => `${tag} (${samples.meta.tagRows[i].toLocaleString("en")})`));
  $("tag").closest(".field").hidden = samples.meta.tags.length === 0;
  for (const one of document.querySelectorAll(".several")) one.hidden = samples.nArms < 2;
  form.hidden = false;

  const list = new List(samples, $("list"), (row, at, isOpened) => {
    sample.open(row, at, list.rows.length, step).then(() => { if (isOpened) show(true); });
    history.replaceState(null, "", `#row-${row + 1}`);
  });

  function step(by) {
    if (by === 0) { show(false); return; }
    list.select(list.at + by, {});
    $("sample").querySelector(by < 0 ? "[aria-label^=Prev]" : "[aria-label^=Next]")?.focus();
  }

  // on a narrow screen the sample covers the list until it is closed
  function show(isOpened) {
    document.body.classList.toggle("reading", isOpened);
    if (isOpened) $("sample").querySelector("h3").focus({ preventScroll: true });
    else $("list").focus({ preventScroll: true });
  }

  async function sift(wanted = -1) {
    const now = ++turn, arm = Number($("arm").value), arms = arm < 0 ? everyArm : [arm];
    const of = summaries(samples, arms), text = $("text").value.trim();
    let rows = chosen(samples, of, { show: $("show").value, tag: Number($("tag").value), order: $("order").value });
    if (text) {
      tell("Searching …");
      rows = await search(samples, rows, text, () => now !== turn, (share) => tell(`Searching … ${Math.round(100 * share)}%`));
      if (!rows) return;
    }
    $("heads").replaceChildren(...arms.map((a) => element("bdi", { title: shown(samples.meta.arms[a]) }, shown(samples.meta.arms[a]))));
    $("listing").style.setProperty("--arms", arms.length);
    list.set(rows, of, arms, wanted < 0 ? -1 : rows.indexOf(wanted));
    const rest = rows.length === samples.nRows ? "" : ` of ${samples.nRows.toLocaleString("en")}`;
    tell(rows.length ? `${rows.length.toLocaleString("en")}${rest} ${samples.nRows === 1 ? "row" : "rows"}` : `No row of ${samples.nRows.toLocaleString("en")} is like that`);
    document.documentElement.dataset.ready = String(now);
    if (rows.length) sample.open(rows[list.at], list.at, rows.length, step);
    else $("sample").replaceChildren(element("p", { class: "soft" }, "Nothing to show."));
  }

  function tell(text) { $("found").textContent = text; }

  let typing = 0;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => { if (event.target.id !== "text") sift(); });
  $("text").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(sift, 200); });
  form.addEventListener("reset", () => setTimeout(sift));
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches("input,select,textarea");
    if (event.key === "Escape" && (document.body.classList.contains("reading") || $("sample").contains(event.target))) show(false);
    else if (event.key === "/" && !isTyping) { event.preventDefault(); $("text").focus(); }
    else if ((event.key === "j" || event.key === "k") && !isTyping && !event.ctrlKey && !event.metaKey) {
      list.select(Math.max(0, list.at + (event.key === "j" ? 1 : -1)));
    }
  });
  const named = /^#row-(\d+)$/.exec(location.hash);
  await sift(named && named[1] <= samples.nRows ? named[1] - 1 : -1);
}

function fill(select, names) {
  for (const [i, name] of names.entries()) select.append(element("option", { value: i }, shown(name)));
}

if (typeof DecompressionStream === "undefined") $("found").textContent = "This browser is too old to open the samples.";
else start();
