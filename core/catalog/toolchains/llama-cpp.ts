import type { JsonObject } from '../../domain/json.ts';
import { type GridOptions, groupOf } from '../quantizations/integer-grid.ts';
import type { Spelling, SpellingTable, Toolchain } from './contract.ts';

/**
 * Formats of llama.cpp by bits, weights that share a scale, and offset. `type` is the name of the file type in
 * llama.h; the K formats hold blocks in super-blocks of 256 and store their block scales in 4 to 8 bits.
 */
const formats = [
  { bits: 8, group: 32, symmetric: true, type: 'Q8_0' },
  { bits: 6, group: 256, symmetric: true, type: 'Q6_K' },
  { bits: 5, group: 32, symmetric: true, type: 'Q5_0' },
  { bits: 5, group: 32, symmetric: false, type: 'Q5_1' },
  { bits: 5, group: 256, symmetric: true, type: 'Q5_K_M' },
  { bits: 4, group: 32, symmetric: true, type: 'Q4_0' },
  { bits: 4, group: 32, symmetric: false, type: 'Q4_1' },
  { bits: 4, group: 256, symmetric: true, type: 'Q4_K_M' },
  { bits: 3, group: 256, symmetric: true, type: 'Q3_K_M' },
  { bits: 2, group: 256, symmetric: true, type: 'Q2_K' },
] as const;

const dtypes = {
  float16: { checkpoint: 'f16', type: 'F16' },
  bfloat16: { checkpoint: 'bf16', type: 'BF16' },
  float32: { checkpoint: 'f32', type: 'F32' },
} as const;

/**
 * Codes of our own go into llama.cpp's blocks of 32 unchanged: Q8_0 and Q4_0 hold them with the group's scale repeated
 * in each block. A group with an offset has no such block: Q4_1 stores minimum = scale × offset, which binary16 rounds.
 */
function ownGrid(method: string, options: GridOptions, more: JsonObject = {}): Spelling {
  const { bits, symmetric } = options;
  if (!symmetric)
    return { unsupported: 'llama-cpp has no format that holds our groups with offset unchanged' };
  return {
    quantize: { method, bits, group: groupOf(options), symmetric, scaleDtype: 'F16', ...more },
    checkpoint: { type: 'f16' },
    build: { type: 'AS_IS' },
    note: bits === 8 ? 'as Q8_0' : 'as Q4_0',
  };
}

const quantizations = {
  none: ({ dtype }) => ({
    checkpoint: { type: dtypes[dtype].checkpoint },
    build: { type: dtypes[dtype].type },
  }),
  'weight-only': ({ bits, group, symmetric }) => {
    const sameBits = formats.filter((format) => format.bits === bits && format.symmetric === symmetric);
    const chosen = sameBits.find((format) => group === undefined || format.group === group);
    if (chosen !== undefined)
      return { checkpoint: { type: 'f16' }, build: { type: chosen.type }, note: chosen.type };
    const offered = sameBits.map((format) => format.group).join(' and ');
    const kind = symmetric ? '' : ' with offset';
    return {
      unsupported:
        offered === ''
          ? `llama-cpp has no ${bits} bit format${kind}`
          : `llama-cpp has no ${bits} bit format${kind} with groups of ${group}; it has groups of ${offered}`,
    };
  },
  rtn: (options) => ownGrid('rtn', options),
  gptq: ({ damp, order, ...grid }) => ownGrid('gptq', grid, { damp, order }),
  awq: (options) => ownGrid('awq', options),
  smoothquant: ({ alpha }) => ownGrid('smoothquant', { bits: 8, symmetric: true }, { alpha }),
} satisfies SpellingTable;

/** llama.cpp's libraries in a child process: the embedded default, on the CPU. */
export const llamaCpp: Toolchain = {
  id: 'llama-cpp',
  title: 'llama.cpp libraries from npm, GGUF written by us',
  queue: 'engine.llama-cpp',
  quantizations,
  families: ['llama', 'mistral', 'qwen2', 'qwen3'],
  runTimeAdapters: true,
};
