import { JsonSyntaxError } from './strict-json.ts';

// A tokenizer of a quarter of a million tokens and as many merges has about three million; each value may take some
// fifty bytes once parsed.
const maxSeparators = 5_000_000;
// config.json and tokenizer files nest about eight levels.
const maxDepth = 32;

/**
 * JSON as the loaders of the field read it (the last of equal keys counts), but of bounded memory and depth, so that it
 * can be walked and written again without overflowing the stack. Throws JsonSyntaxError.
 */
export function parseBoundedJson(text: string): unknown {
  refuseCrowd(text);
  const value = parse(text);
  if (nestsDeeper(value, maxDepth)) throw new JsonSyntaxError(0, `nests deeper than ${maxDepth} levels`);
  return value;
}

function refuseCrowd(text: string): void {
  let separators = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x2c || code === 0x5b || code === 0x7b) separators += 1;
  }
  if (separators > maxSeparators) throw new JsonSyntaxError(0, 'has more values than any model needs');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new JsonSyntaxError(0, error instanceof SyntaxError ? error.message.slice(0, 200) : 'is no JSON');
  }
}

function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((member) => nestsDeeper(member, levels - 1));
}
