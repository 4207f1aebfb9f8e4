import type { SpecialRole, TokenClass, Vocabulary } from '../tokenizer/vocabulary.ts';
import { f32s, flag, type GgufEntry, i32s, text, texts, u32 } from './metadata.ts';

// `llama_token_type` (ggml-org/llama.cpp include/llama.h).
const tokenTypes = {
  normal: 1,
  unknown: 2,
  control: 3,
  user: 4,
  unused: 5,
  byte: 6,
} as const satisfies Record<TokenClass, number>;

// "seperator" is how the format spells it.
const specialKeys = {
  bos: 'bos_token_id',
  eos: 'eos_token_id',
  unk: 'unknown_token_id',
  sep: 'seperator_token_id',
  pad: 'padding_token_id',
  cls: 'cls_token_id',
  mask: 'mask_token_id',
} as const satisfies Record<SpecialRole, string>;

/** The `tokenizer.*` keys of a GGUF file (ggml-org/ggml docs/gguf.md, "Tokenizer"). */
export function tokenizerMetadata(vocabulary: Vocabulary): GgufEntry[] {
  const { tokens } = vocabulary;
  const entries: GgufEntry[] = [
    ['tokenizer.ggml.model', text(vocabulary.kind === 'spm' ? 'llama' : 'gpt2')],
    ['tokenizer.ggml.pre', text(vocabulary.preTokenizer)],
    ['tokenizer.ggml.tokens', texts(tokens.map((token) => token.text))],
  ];
  if (vocabulary.kind === 'spm')
    entries.push(['tokenizer.ggml.scores', f32s(tokens.map((token) => token.score))]);
  entries.push(['tokenizer.ggml.token_type', i32s(tokens.map((token) => tokenTypes[token.class]))]);
  if (vocabulary.merges.length > 0) entries.push(['tokenizer.ggml.merges', texts(vocabulary.merges)]);
  for (const [role, id] of vocabulary.special) entries.push([`tokenizer.ggml.${specialKeys[role]}`, u32(id)]);
  const { addBos, addEos, addSpacePrefix } = vocabulary;
  if (addSpacePrefix !== undefined) entries.push(['tokenizer.ggml.add_space_prefix', flag(addSpacePrefix)]);
  if (addBos !== undefined) entries.push(['tokenizer.ggml.add_bos_token', flag(addBos)]);
  if (addEos !== undefined) entries.push(['tokenizer.ggml.add_eos_token', flag(addEos)]);
  return [...entries, ...chatTemplateMetadata(vocabulary.chatTemplates)];
}

function chatTemplateMetadata(templates: Vocabulary['chatTemplates']): GgufEntry[] {
  const others = templates
    .filter(({ name }) => name !== 'default')
    .map(({ name, template }) => ({ name: name.replaceAll(/[^A-Za-z0-9]/g, '_'), template }));
  const entries: GgufEntry[] = others.map(({ name, template }) => [
    `tokenizer.chat_template.${name}`,
    text(template),
  ]);
  if (others.length > 0) entries.push(['tokenizer.chat_templates', texts(others.map(({ name }) => name))]);
  const main = templates.find(({ name }) => name === 'default');
  if (main !== undefined) entries.push(['tokenizer.chat_template', text(main.template)]);
  return entries;
}
