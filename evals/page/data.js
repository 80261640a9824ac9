// What the page holds: figures of every sample at once, texts piece by piece as they are looked at.

const MISSING = 0, SCORED = 1, FIRST_ERROR = 2;
const MAX_OPEN_PIECES = 64;

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const binary = atob(base64), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function inflated(base64) {
  const opened = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(opened).arrayBuffer();
}

class Samples {
  static async read() {
    const made = new Samples();
    made.meta = JSON.parse(document.getElementById("meta").textContent);
    made.#columns(await inflated(document.getElementById("index").textContent));
    made.elements = [...document.querySelectorAll("script.piece")];
    made.starts = [0];
    for (const n of made.meta.pieces) made.starts.push(made.starts.at(-1) + n);
    made.open = new Map();
    return made;
  }

  #columns(buffer) {
    const { nRows, arms, nRepeats } = this.meta, n = nRows * arms.length * nRepeats;
    let at = 0;
    const next = (kind, count) => {
      const column = new kind(buffer, at, count);
      at += count * kind.BYTES_PER_ELEMENT;
      return column;
    };
    this.nRows = nRows;
    this.nArms = arms.length;
    this.nRepeats = nRepeats;
    this.score = next(Float32Array, n);
    this.cost = next(Float32Array, n);
    this.ms = next(Float32Array, n);
    this.kind = next(Uint32Array, nRows);
    this.state = next(Uint8Array, n);
    this.#byArm();
  }

  // means over repeats, so that lists need not care how often a row was asked
  #byArm() {
    const n = this.nRows * this.nArms, of = () => new Float32Array(n).fill(NaN);
    this.armScore = of();
    this.armCost = of();
    this.armMs = of();
    this.armError = new Uint8Array(n);
    for (let i = 0; i < n; i++) {
      let scored = 0, ended = 0, score = 0, cost = 0, ms = 0;
      for (let at = i * this.nRepeats; at < (i + 1) * this.nRepeats; at++) {
        const state = this.state[at];
        if (state === MISSING) continue;
        ended++;
        cost += this.cost[at];
        ms += this.ms[at];
        if (state === SCORED) { scored++; score += this.score[at]; } else this.armError[i] = state;
      }
      if (scored) this.armScore[i] = score / scored;
      if (ended) { this.armCost[i] = cost / ended; this.armMs[i] = ms / ended; }
    }
  }

  tagsOf(row) { return this.meta.kinds[this.kind[row]].map((tag) => this.meta.tags[tag]); }

  errorOf(state) { return this.meta.errors[state - FIRST_ERROR] ?? "error"; }

  pieceOf(row) {
    let low = 0, high = this.starts.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= row) low = middle; else high = middle;
    }
    return low;
  }

  // a promise of the rows of a piece; those looked at last stay open
  piece(n) {
    let found = this.open.get(n);
    if (found) this.open.delete(n);
    else found = this.text(n).then(JSON.parse);
    this.open.set(n, found);
    if (this.open.size > MAX_OPEN_PIECES) this.open.delete(this.open.keys().next().value);
    return found;
  }

  async text(n) { return new TextDecoder().decode(await inflated(this.elements[n].textContent)); }

  async row(row) {
    const n = this.pieceOf(row);
    const [id, asked, turns, targets, cells, scorer] = (await this.piece(n))[row - this.starts[n]];
    return { id, messages: typeof asked === "string" ? [["user", asked]] : asked, turns, targets, cells, scorer };
  }
}
