// Elements made of text: nothing from the data is ever read as markup.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null && child !== ""));
  return made;
}

// controls that would turn or hide what stands around them are written out
const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2060-\u2069\ufeff]/g;

function shown(text) {
  return text.replace(UNSEEN, (c) => `[U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

const isNumber = (value) => value != null && !Number.isNaN(value);

function scoreText(score) { return isNumber(score) ? score.toFixed(2) : "–"; }

function usdText(usd) {
  if (!isNumber(usd)) return "–";
  if (usd === 0) return "$0";
  return usd >= 0.01 ? `$${usd.toFixed(4)}` : `$${usd.toFixed(2 - Math.floor(Math.log10(usd))).replace(/0+$/, "")}`;
}

function msText(ms) { return !isNumber(ms) ? "–" : ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`; }

// a score as a small mark; said in figures too, since colour alone says nothing to many
function chip(score, error) {
  const kind = error ? "error" : !isNumber(score) ? "none" : score >= 1 ? "right" : score < WRONG_BELOW ? "wrong" : "partly";
  return element("span", { class: `chip ${kind}` }, error ? "err" : scoreText(score));
}
