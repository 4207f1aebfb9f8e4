/** Length of the longest common subsequence of two token lists. */
export function commonLength(a: readonly string[], b: readonly string[]): number {
  let above = new Uint32Array(b.length + 1);
  let row = new Uint32Array(b.length + 1);
  for (const token of a) {
    for (let j = 1; j <= b.length; j++)
      row[j] = token === b[j - 1] ? extended(above, j) : longer(above, row, j);
    [above, row] = [row, above];
  }
  return above[b.length] ?? 0;
}

const diagonal = 1;
const left = 2;

/**
 * Positions in `a` of one longest common subsequence, ascending. Where several exist, rouge_score's choice: walking
 * back from the end, equal tokens are taken; else the step goes left in `b` only if that is strictly longer.
 */
export function commonPositions(a: readonly string[], b: readonly string[]): number[] {
  const steps = backSteps(a, b);
  const positions: number[] = [];
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    const step = steps[(i - 1) * b.length + (j - 1)];
    if (step === diagonal) positions.push(i - 1);
    if (step !== left) i--;
    if (step === diagonal || step === left) j--;
  }
  return positions.reverse();
}

/** One byte a cell instead of the whole table of lengths. */
function backSteps(a: readonly string[], b: readonly string[]): Uint8Array {
  const steps = new Uint8Array(a.length * b.length);
  let above = new Uint32Array(b.length + 1);
  let row = new Uint32Array(b.length + 1);
  a.forEach((token, i) => {
    for (let j = 1; j <= b.length; j++) {
      const equal = token === b[j - 1];
      row[j] = equal ? extended(above, j) : longer(above, row, j);
      if (equal) steps[i * b.length + j - 1] = diagonal;
      else if ((row[j - 1] ?? 0) > (above[j] ?? 0)) steps[i * b.length + j - 1] = left;
    }
    [above, row] = [row, above];
  });
  return steps;
}

function extended(above: Uint32Array, j: number): number {
  return (above[j - 1] ?? 0) + 1;
}

function longer(above: Uint32Array, row: Uint32Array, j: number): number {
  return Math.max(above[j] ?? 0, row[j - 1] ?? 0);
}
