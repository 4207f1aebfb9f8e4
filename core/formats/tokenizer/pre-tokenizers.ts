import type { Json } from '../../domain/json.ts';
import { asList, flagMember, memberOf, textMember } from './json-members.ts';
import { tokenizerUnsupported } from './vocabulary.ts';

/**
 * A way of cutting text into words that llama.cpp knows by name (ggml-org/llama.cpp src/llama-vocab.cpp). It is
 * recognised by what tokenizer.json says, not by the model's name: `structure` as `describePreTokenizer` writes it, and
 * `ignoreMerges` because llama.cpp ties that flag to the name.
 */
interface PreTokenizer {
  readonly name: string;
  readonly structure: string;
  readonly ignoreMerges: boolean;
}

// The expressions as they stand in the tokenizer.json files of GPT-2's descendants, Llama 3, Qwen 2 / 3 and Mistral NeMo.
const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const spaces = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const llama3 = `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${spaces}`;
const qwen2 = `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${spaces}`;
const upper = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const lower = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
const before = '[^\\r\\n\\p{L}\\p{N}]?';
const tekken = `${before}${upper}*${lower}+|${before}${upper}+${lower}*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${spaces}`;

const preTokenizers: readonly PreTokenizer[] = [
  { name: 'gpt-2', structure: 'bytes with words', ignoreMerges: false },
  { name: 'smollm', structure: 'single digits, bytes with words', ignoreMerges: false },
  { name: 'llama-bpe', structure: `split ${llama3}, bytes`, ignoreMerges: true },
  { name: 'dbrx', structure: `split ${llama3}, bytes`, ignoreMerges: false },
  { name: 'qwen2', structure: `split ${qwen2}, bytes`, ignoreMerges: false },
  { name: 'tekken', structure: `split ${tekken}, bytes`, ignoreMerges: true },
];

/** llama.cpp's name for the pre-tokenizer of a byte-level tokenizer.json; an unknown one is TokenizerUnsupported. */
export function recognisePreTokenizer(tokenizer: Json): string {
  const structure = describePreTokenizer(memberOf(tokenizer, 'pre_tokenizer'));
  const ignoreMerges = flagMember(memberOf(tokenizer, 'model'), 'ignore_merges') ?? false;
  const known = preTokenizers.find(
    (entry) => entry.structure === structure && entry.ignoreMerges === ignoreMerges,
  );
  if (known !== undefined) return known.name;
  const merges = ignoreMerges ? ' with ignore_merges' : '';
  throw tokenizerUnsupported(`the pre-tokenizer "${structure}"${merges} has no equivalent in llama.cpp`);
}

/** The words of a pre-tokenizer in one line, so that equal ones are equal texts. */
function describePreTokenizer(value: Json | undefined): string {
  const type = textMember(value, 'type');
  if (type === 'Sequence')
    return asList(memberOf(value, 'pretokenizers')).map(describePreTokenizer).join(', ');
  const describe = type === undefined ? undefined : describers.get(type);
  return describe?.(value) ?? JSON.stringify(value ?? null);
}

/** Undefined for options no entry of the table has. */
const describers = new Map<string, (value: Json | undefined) => string | undefined>([
  [
    'ByteLevel',
    (value) => {
      if (flagMember(value, 'add_prefix_space') !== false) return undefined;
      return flagMember(value, 'use_regex') === false ? 'bytes' : 'bytes with words';
    },
  ],
  ['Digits', (value) => (flagMember(value, 'individual_digits') === true ? 'single digits' : undefined)],
  [
    'Split',
    (value) => {
      const isolated = textMember(value, 'behavior') === 'Isolated' && flagMember(value, 'invert') !== true;
      const expression = textMember(memberOf(value, 'pattern'), 'Regex');
      return isolated && expression !== undefined ? `split ${expression}` : undefined;
    },
  ],
]);
