/** A regular expression as a tree. */
export type Expression =
  | { readonly kind: 'take'; readonly takes: (character: string) => boolean }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Expression[] }
  | { readonly kind: 'repeat'; readonly part: Expression; readonly least: number; readonly most: number };

// Python's `re` and JavaScript mean the same by these for the ASCII that names of modules are made of.
const classes = new Map<string, RegExp>([
  ['d', /\d/],
  ['D', /\D/],
  ['w', /\w/],
  ['W', /\W/],
  ['s', /\s/],
  ['S', /\S/],
]);
const maxDepth = 20;
const maxRepeat = 1000;

/**
 * The part of regular expressions that Python and JavaScript share and that needs no going back: characters, `.`,
 * classes, groups, `|`, `* + ? {m,n}` and their lazy forms, `^` and `$`. Undefined for anything else.
 */
export function parseExpression(source: string): Expression | undefined {
  const parser = new Parser(source);
  try {
    const expression = parser.choice(0);
    return parser.isDone ? expression : undefined;
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
}

class NotUnderstood extends Error {}

class Parser {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  get isDone(): boolean {
    return this.#at === this.#source.length;
  }

  choice(depth: number): Expression {
    if (depth > maxDepth) throw new NotUnderstood();
    const parts = [this.#sequence(depth)];
    while (this.#skip('|')) parts.push(this.#sequence(depth));
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { kind: 'choice', parts };
  }

  #sequence(depth: number): Expression {
    const parts: Expression[] = [];
    while (!this.isDone && !'|)'.includes(this.#peek())) parts.push(this.#repeated(depth));
    return { kind: 'sequence', parts };
  }

  #repeated(depth: number): Expression {
    const part = this.#atom(depth);
    const bounds = this.#bounds();
    if (bounds === undefined) return part;
    if (part.kind === 'start' || part.kind === 'end') throw new NotUnderstood();
    // Lazy or not decides what a group holds, not whether the whole matches.
    this.#skip('?');
    if (this.#bounds() !== undefined) throw new NotUnderstood();
    return { kind: 'repeat', part, ...bounds };
  }

  #bounds(): { least: number; most: number } | undefined {
    if (this.#skip('*')) return { least: 0, most: Infinity };
    if (this.#skip('+')) return { least: 1, most: Infinity };
    if (this.#skip('?')) return { least: 0, most: 1 };
    return this.#counted();
  }

  /** `{2}`, `{2,}` or `{2,5}`. */
  #counted(): { least: number; most: number } | undefined {
    const match = /^\{(\d{1,4})(?:(,)(\d{0,4}))?\}/.exec(this.#source.slice(this.#at, this.#at + 12));
    if (match === null) return undefined;
    this.#at += match[0].length;
    const least = Number(match[1]);
    const most = match[2] === undefined ? least : match[3] === '' ? Infinity : Number(match[3]);
    if (least > most || least > maxRepeat || (most > maxRepeat && most !== Infinity))
      throw new NotUnderstood();
    return { least, most };
  }

  #atom(depth: number): Expression {
    const character = this.#next();
    switch (character) {
      case '(':
        return this.#group(depth);
      case '[':
        return this.#set();
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '.':
        return { kind: 'take', takes: (taken) => taken !== '\n' };
      case '\\':
        return { kind: 'take', takes: this.#escaped() };
      default:
        if ('*+?{}])'.includes(character)) throw new NotUnderstood();
        return { kind: 'take', takes: (taken) => taken === character };
    }
  }

  #group(depth: number): Expression {
    if (this.#skip('?') && !this.#skip(':')) throw new NotUnderstood();
    const inner = this.choice(depth + 1);
    if (!this.#skip(')')) throw new NotUnderstood();
    return inner;
  }

  #set(): Expression {
    const negated = this.#skip('^');
    // `[]a]` begins with a bracket in Python and is empty in JavaScript.
    if (this.#peek() === ']') throw new NotUnderstood();
    const tests: ((character: string) => boolean)[] = [];
    do {
      const from = this.#next();
      if (from === '[') throw new NotUnderstood();
      if (from === '\\') tests.push(this.#lone(this.#escaped()));
      else if (this.#peek() === '-' && this.#source.charAt(this.#at + 1) !== ']')
        tests.push(this.#range(from));
      else tests.push((character) => character === from);
    } while (this.#peek() !== ']');
    this.#at += 1;
    return { kind: 'take', takes: (character) => tests.some((test) => test(character)) !== negated };
  }

  /** A class or an escaped character is no end of a range here. */
  #lone(test: (character: string) => boolean): (character: string) => boolean {
    if (this.#peek() === '-' && this.#source.charAt(this.#at + 1) !== ']') throw new NotUnderstood();
    return test;
  }

  #range(from: string): (character: string) => boolean {
    this.#at += 1;
    const to = this.#next();
    if (to === '\\' || to < from) throw new NotUnderstood();
    return (character) => character >= from && character <= to;
  }

  #escaped(): (character: string) => boolean {
    const character = this.#next();
    const known = classes.get(character);
    if (known !== undefined) return (taken) => known.test(taken);
    if (/[\w\s]/.test(character)) throw new NotUnderstood();
    return (taken) => taken === character;
  }

  #peek(): string {
    return this.#source.charAt(this.#at);
  }

  #next(): string {
    if (this.isDone) throw new NotUnderstood();
    this.#at += 1;
    return this.#source.charAt(this.#at - 1);
  }

  #skip(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at += 1;
    return true;
  }
}
