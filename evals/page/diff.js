// Which words two texts do not share: the shortest edit script (Myers 1986, Algorithmica 1:251).

const MAX_EDITS = 1500;

function wordsOf(text) {
  return text.match(/\s+|\p{Script=Han}|[\p{L}\p{M}\p{N}_]+|[^\s\p{L}\p{M}\p{N}_]/gu) ?? [];
}

// flags by word, 1 where it has no partner in the other text
function differences(a, b) {
  const onlyA = new Uint8Array(a.length), onlyB = new Uint8Array(b.length);
  let start = 0, endA = a.length, endB = b.length;
  while (start < endA && start < endB && a[start] === b[start]) start++;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) { endA--; endB--; }
  const kept = shared(a.slice(start, endA), b.slice(start, endB));
  onlyA.fill(1, start, endA);
  onlyB.fill(1, start, endB);
  for (const [x, y] of kept) { onlyA[start + x] = 0; onlyB[start + y] = 0; }
  return [onlyA, onlyB];
}

// pairs of places that match; none where the texts are too far apart to say
function shared(a, b) {
  const n = a.length, m = b.length, most = Math.min(n + m, MAX_EDITS), trace = [];
  let reach = new Int32Array([0, 0, 0]);  // furthest x on the diagonals -d-1..d+1
  for (let d = 0; d <= most; d++) {
    const next = new Int32Array(2 * d + 3);
    for (let k = -d; k <= d; k += 2) {
      const at = (diagonal) => reach[diagonal + d];
      let x = d === 0 ? 0 : k === -d || (k !== d && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1;
      while (x < n && x - k < m && a[x] === b[x - k]) x++;
      next[k + d + 1] = x;
      if (x >= n && x - k >= m) return walked(trace, reach, d, k, n, a, b);
    }
    trace.push(reach);
    reach = next;
  }
  return [];
}

function walked(trace, last, d, k, x, a, b) {
  const pairs = [];
  let reach = last, y = x - k;
  for (; d >= 0; d--) {
    const at = (diagonal) => reach[diagonal + d];
    const before = d === 0 ? 0 : k === -d || (k !== d && at(k - 1) < at(k + 1)) ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : at(before), fromY = fromX - before;
    while (x > fromX && y > fromY && x > 0 && y > 0 && a[x - 1] === b[y - 1]) pairs.push([--x, --y]);
    x = fromX;
    y = fromY;
    k = before;
    reach = trace[d - 1];
  }
  return pairs;
}
