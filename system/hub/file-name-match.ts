/**
 * Wildcards as Python's `fnmatch.fnmatchcase` knows them, because that is what `allow_patterns` and
 * `ignore_patterns` of huggingface_hub mean: `*` crosses `/`, `?` is one character, `[seq]` and `[!seq]` are sets,
 * case matters, there is no escape character. As there, `\` counts as `/` and a trailing `/` names a whole folder.
 */
export function matchesAny(path: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const normal = pattern.replaceAll('\\', '/');
    return matchesPattern(path.replaceAll('\\', '/'), normal.endsWith('/') ? `${normal}*` : normal);
  });
}

type Piece =
  | { readonly kind: 'run' }
  | { readonly kind: 'one'; readonly accepts: (character: string) => boolean };

/**
 * Greedy with one point of return: on a mismatch the last `*` takes one character more. That is
 * |path| × |pattern| steps at worst, where a regular expression could need exponentially many.
 */
function matchesPattern(path: string, pattern: string): boolean {
  const pieces = parsePattern(pattern);
  const characters = Array.from(path);
  let at = 0;
  let piece = 0;
  let lastRun = -1;
  let runEnd = 0;
  while (at < characters.length) {
    const current = pieces[piece];
    if (current?.kind === 'run') {
      lastRun = piece++;
      runEnd = at;
    } else if (current?.accepts(characters[at] ?? '') === true) {
      piece++;
      at++;
    } else if (lastRun >= 0) {
      piece = lastRun + 1;
      at = ++runEnd;
    } else return false;
  }
  return pieces.slice(piece).every(({ kind }) => kind === 'run');
}

function parsePattern(pattern: string): Piece[] {
  const characters = Array.from(pattern);
  const pieces: Piece[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? '';
    const close = character === '[' ? endOfSet(characters, at) : -1;
    if (character === '*') pieces.push({ kind: 'run' });
    else if (character === '?') pieces.push({ kind: 'one', accepts: () => true });
    else if (close > 0) {
      pieces.push({ kind: 'one', accepts: parseSet(characters.slice(at + 1, close)) });
      at = close;
    } else pieces.push({ kind: 'one', accepts: (other) => other === character });
  }
  return pieces;
}

/** A `]` right after `[` or `[!` belongs to the set; a `[` that is never closed stands for itself. */
function endOfSet(characters: readonly string[], open: number): number {
  const first = characters[open + 1] === '!' ? open + 2 : open + 1;
  return characters.indexOf(']', first + 1);
}

function parseSet(members: readonly string[]): (character: string) => boolean {
  const negated = members[0] === '!';
  const rest = negated ? members.slice(1) : members;
  const ranges: { low: string; high: string }[] = [];
  for (let at = 0; at < rest.length; at++) {
    const low = rest[at] ?? '';
    const isRange = rest[at + 1] === '-' && at + 2 < rest.length;
    ranges.push({ low, high: isRange ? (rest[at + 2] ?? '') : low });
    if (isRange) at += 2;
  }
  return (character) => ranges.some(({ low, high }) => low <= character && character <= high) !== negated;
}
