/**
 * JSON for files that may be hostile. JSON.parse keeps the last of two equal keys, reorders integer-like keys and
 * gives `__proto__` a meaning; here objects become Maps and a repeated key is an error.
 */
export type StrictJson =
  | null
  | boolean
  | number
  | string
  | Decimal
  | readonly StrictJson[]
  | StrictJsonObject;
export type StrictJsonObject = ReadonlyMap<string, StrictJson>;

/** A number written with a point or an exponent, so that `1.0` cannot pass for a size. */
export class Decimal {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** `offset` counts UTF-16 units from the start of the text. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

// What the values of a text may take in memory, estimated for V8: a header of a hundred megabytes could otherwise ask
// for gigabytes. 100,000 tensors in one file, or 600,000 in an index, stay below.
const maxValueBytes = 120_000_000;
const costs = { object: 250, array: 60, member: 100, item: 16, text: 40, number: 32 } as const;

// Headers nest three levels, tokenizer files about eight.
const maxDepth = 32;
const numberToken = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
// No size, offset or parameter needs more digits; longer ones would only cost time.
const maxNumberLength = 40;
const words = new Map<string, null | boolean>([
  ['null', null],
  ['true', true],
  ['false', false],
]);

/** Hears of every member of the outermost object; `offset` of its key, in UTF-16 units from the start of the text. */
type MemberListener = (key: string, offset: number) => void;

/** One JSON value (RFC 8259) and nothing after it but white space. Throws JsonSyntaxError. */
export function parseStrictJson(text: string, onMember?: MemberListener): StrictJson {
  const reader = new Reader(text, onMember);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  readonly #text: string;
  readonly #onMember: MemberListener | undefined;
  #at = 0;
  #spent = 0;

  constructor(text: string, onMember: MemberListener | undefined) {
    this.#text = text;
    this.#onMember = onMember;
  }

  value(depth: number): StrictJson {
    if (depth > maxDepth) this.#fail(`nests deeper than ${maxDepth} levels`);
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#array(depth);
    if (first === '"') return this.#string();
    if (first === '-' || (first !== undefined && first >= '0' && first <= '9')) return this.#number();
    return this.#word();
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail('has something after its end');
  }

  #object(depth: number): StrictJsonObject {
    this.#spend(costs.object);
    const members = new Map<string, StrictJson>();
    this.#list('}', () => {
      const at = this.#at;
      const key = this.#string();
      if (members.has(key)) this.#fail(`has the key ${JSON.stringify(key.slice(0, 200))} twice`, at);
      this.#expect(':');
      this.#spend(costs.member);
      if (depth === 0) this.#onMember?.(key, at);
      members.set(key, this.value(depth + 1));
    });
    return members;
  }

  #array(depth: number): readonly StrictJson[] {
    this.#spend(costs.array);
    const items: StrictJson[] = [];
    this.#list(']', () => {
      this.#spend(costs.item);
      items.push(this.value(depth + 1));
    });
    return items;
  }

  /** From the opening bracket to the closing one, with commas between. */
  #list(close: string, readItem: () => void): void {
    this.#at += 1;
    this.#skipSpace();
    if (this.#text[this.#at] === close) {
      this.#at += 1;
      return;
    }
    for (;;) {
      this.#skipSpace();
      readItem();
      this.#skipSpace();
      const next = this.#text[this.#at];
      if (next !== ',' && next !== close) this.#fail(`needs a comma or ${close} here`);
      this.#at += 1;
      if (next === close) return;
    }
  }

  // Strings, numbers and spaces are scanned by hand: V8's regular expressions overflow on tokens of many megabytes.
  #string(): string {
    const at = this.#at;
    if (this.#text[at] !== '"') this.#fail('needs a string here');
    this.#spend(costs.text);
    let escaped = false;
    for (let next = at + 1; ; next += 1) {
      const code = this.#text.charCodeAt(next);
      if (Number.isNaN(code) || code < 0x20) this.#fail('has a string without end', at);
      if (code === 0x22) {
        this.#at = next + 1;
        break;
      }
      if (code === 0x5c) {
        escaped = true;
        next += 1;
      }
    }
    const inner = escaped ? this.#unescape(at) : this.#text.slice(at + 1, this.#at - 1);
    // Only a lone surrogate matches with the u flag; a pair is one code point.
    if (/\p{Surrogate}/u.test(inner)) this.#fail('has half of a surrogate pair', at);
    return inner;
  }

  #unescape(at: number): string {
    try {
      return String(JSON.parse(this.#text.slice(at, this.#at)));
    } catch {
      return this.#fail('has an escape JSON does not know', at);
    }
  }

  #number(): number | Decimal {
    const at = this.#at;
    this.#spend(costs.number);
    while ('+-.0123456789eE'.includes(this.#text[this.#at] ?? ' ')) this.#at += 1;
    const token = this.#text.slice(at, Math.min(this.#at, at + maxNumberLength + 1));
    if (token.length > maxNumberLength || !numberToken.test(token)) this.#fail('has a malformed number', at);
    const value = Number(token);
    if (/[.eE]/.test(token))
      return Number.isFinite(value) ? new Decimal(value) : this.#fail('is too large a number', at);
    return Number.isSafeInteger(value) ? value : this.#fail('has a number beyond 2^53', at);
  }

  #word(): null | boolean {
    for (const [word, value] of words) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return this.#fail('needs a JSON value here');
  }

  #expect(character: string): void {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) this.#fail(`needs ${character} here`);
    this.#at += 1;
  }

  #skipSpace(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? 'end')) this.#at += 1;
  }

  #spend(bytes: number): void {
    this.#spent += bytes;
    if (this.#spent > maxValueBytes) this.#fail('has more values than any weight file needs');
  }

  #fail(problem: string, at = this.#at): never {
    throw new JsonSyntaxError(at, problem);
  }
}
