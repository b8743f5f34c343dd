// Compares two texts line by line.

// Comparing more pairs of lines would block the page; then a changed part is shown as replaced as a whole.
const MOST_PAIRS = 4_000_000;
const CONTEXT = 3;

/** Returns the lines of both texts in order: `{kind: "same", "old" or "new", line}`; `{kind: "cut", count}` for many that are the same. */
export function difference(before, after) {
  const [one, other] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < one.length && start < other.length && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < one.length - start && end < other.length - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  const same = (line) => ({ kind: "same", line });
  return shorten([
    ...one.slice(0, start).map(same),
    ...changed(one.slice(start, one.length - end), other.slice(start, other.length - end)),
    ...one.slice(one.length - end).map(same),
  ]);
}

/** Compares by the longest common subsequence of lines. */
function changed(one, other) {
  const removed = (line) => ({ kind: "old", line });
  const added = (line) => ({ kind: "new", line });
  if (one.length * other.length > MOST_PAIRS) return [...one.map(removed), ...other.map(added)];
  const width = other.length + 1;
  const lengths = new Uint32Array((one.length + 1) * width);
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] =
        one[i] === other[j]
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const found = [];
  let [i, j] = [0, 0];
  while (i < one.length || j < other.length) {
    if (i < one.length && j < other.length && one[i] === other[j]) {
      found.push({ kind: "same", line: one[i] });
      i += 1;
      j += 1;
    } else if (j === other.length || (i < one.length && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) {
      found.push(removed(one[i]));
      i += 1;
    } else {
      found.push(added(other[j]));
      j += 1;
    }
  }
  return found;
}

/** Cuts the lines that are the same and not near a change. */
function shorten(lines) {
  const near = (index) => lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some((line) => line.kind !== "same");
  const shown = [];
  lines.forEach((line, index) => {
    if (line.kind !== "same" || near(index)) shown.push(line);
    else if (shown.at(-1)?.kind === "cut") shown.at(-1).count += 1;
    else shown.push({ kind: "cut", count: 1 });
  });
  return shown;
}
