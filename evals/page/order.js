// Which rows are shown, and in which order. Pure: arrays in, arrays out.

const WRONG_BELOW = 0.5;

// of each row over the arms looked at: lowest, highest and mean score, cost in all, longest wait
function summaries(samples, arms) {
  const n = samples.nRows, of = () => new Float32Array(n).fill(NaN);
  const found = { low: of(), high: of(), mean: of(), cost: of(), ms: of(), errors: new Uint8Array(n) };
  for (let row = 0; row < n; row++) {
    let low = Infinity, high = -Infinity, total = 0, scored = 0, cost = 0, ms = -1, ended = 0;
    for (const arm of arms) {
      const at = row * samples.nArms + arm, score = samples.armScore[at];
      if (samples.armError[at]) found.errors[row] = 1;
      if (!Number.isNaN(samples.armCost[at])) { ended++; cost += samples.armCost[at]; }
      if (samples.armMs[at] > ms) ms = samples.armMs[at];
      if (Number.isNaN(score)) continue;
      scored++;
      total += score;
      if (score < low) low = score;
      if (score > high) high = score;
    }
    if (scored) { found.low[row] = low; found.high[row] = high; found.mean[row] = total / scored; }
    if (ended) { found.cost[row] = cost; found.ms[row] = ms; }
  }
  return found;
}

const SHOWN = {
  all: () => true,
  wrong: (of, row) => of.low[row] < WRONG_BELOW,
  flawed: (of, row) => of.low[row] < 1,
  right: (of, row) => of.low[row] >= 1 && !of.errors[row],
  errors: (of, row) => of.errors[row] === 1,
  differ: (of, row) => of.high[row] > of.low[row],
};

// the least comes first; NaN last
const KEYS = {
  // wrong answers, then errors, then what is right
  failures: (of, row) => (of.low[row] < 1 ? of.low[row] + of.mean[row] / 1e3 : of.errors[row] ? 2 : 3),
  low: (of, row) => of.mean[row],
  high: (of, row) => -of.mean[row],
  dear: (of, row) => -of.cost[row],
  cheap: (of, row) => of.cost[row],
  slow: (of, row) => -of.ms[row],
  fast: (of, row) => of.ms[row],
  differ: (of, row) => of.low[row] - of.high[row],
  suite: (of, row) => row,
};

function chosen(samples, of, { show, tag, order }) {
  const isShown = SHOWN[show], key = KEYS[order], kinds = tag < 0 ? null : samples.meta.kinds.map((k) => k.includes(tag));
  const found = [];
  for (let row = 0; row < samples.nRows; row++) {
    if (isShown(of, row) && (!kinds || kinds[samples.kind[row]])) found.push(row);
  }
  const rows = Uint32Array.from(found), keys = new Float64Array(samples.nRows);
  for (const row of rows) { const k = key(of, row); keys[row] = Number.isNaN(k) ? Infinity : k; }
  if (order !== "suite") rows.sort((a, b) => (keys[a] === keys[b] ? a - b : keys[a] - keys[b]));
  return rows;
}

// rows that hold a text, among `rows` and in their order: piece by piece, so that the page stays awake
async function search(samples, rows, wanted, isStale, onProgress) {
  const needle = wanted.toLowerCase(), escaped = JSON.stringify(needle).slice(1, -1);
  const hits = new Uint8Array(samples.nRows), among = new Uint8Array(samples.nRows);
  const pieces = new Set();
  for (const row of rows) { among[row] = 1; pieces.add(samples.pieceOf(row)); }
  let done = 0, rested = performance.now();
  for (const n of [...pieces].sort((a, b) => a - b)) {
    const text = await samples.text(n);
    if (isStale()) return null;
    if (text.toLowerCase().includes(escaped)) {
      JSON.parse(text).forEach((row, i) => {
        if (among[samples.starts[n] + i] && holds(row, needle)) hits[samples.starts[n] + i] = 1;
      });
    }
    done++;
    if (performance.now() - rested > 30) {
      onProgress(done / pieces.size);
      await new Promise((resume) => setTimeout(resume));
      rested = performance.now();
    }
  }
  return isStale() ? null : rows.filter((row) => hits[row]);
}

// ids and texts count, names of fields do not
function holds([id, asked, turns, targets, cells], needle) {
  const has = (text) => text.toLowerCase().includes(needle);
  return has(id) || (typeof asked === "string" ? has(asked) : asked.some(([, text]) => has(text)))
    || turns.some(has) || targets.some(has)
    || cells.some((c) => c && (has(c.a ?? "") || (c.e ?? []).some(has) || has(c.w ?? "")));
}
