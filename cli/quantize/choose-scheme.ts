import { BuildFailure } from '../../core/domain/failures.ts';
import type { Fp8Grid, Grid, IntegerGrid } from '../../core/domain/quantize-pieces.ts';
import { quantizedLayouts, type QuantizationScheme } from '../../core/formats/quantized/scheme.ts';
import { choose } from '../choose.ts';
import type { Options } from '../define-command.ts';
import { parseWhole } from '../parse-number.ts';
import type { MethodName } from './choose-method.ts';
import { refuseIdle } from './refuse-idle.ts';

const grids = ['int8', 'int4', 'fp8', 'nvfp4'] as const;
const conventions = ['full', 'restricted', 'centred'] as const;
const activations = ['none', 'dynamic'] as const;
const fp8Blocks = { tensor: [null, null], row: [1, null], '128x128': [128, 128] } as const satisfies Record<
  string,
  Fp8Grid['block']
>;

/** Flags that say how weights are quantized and stored. */
export const schemeOptions = {
  scheme: {
    type: 'string',
    value: grids.join('|'),
    description: 'What a weight becomes (smoothquant: int8; gptq and awq: int8 or int4).',
  },
  group: {
    type: 'string',
    value: 'N|row',
    description: 'Columns that share a scale (default: 128 for int4, the whole row for int8).',
  },
  asymmetric: { type: 'boolean', description: 'Integers only: each group also has a zero point.' },
  convention: {
    type: 'string',
    value: conventions.join('|'),
    description: 'What a symmetric scale divides by: 2^(b-1), 2^(b-1)-1 or (2^b-1)/2 (default: centred).',
  },
  block: {
    type: 'string',
    value: Object.keys(fp8Blocks).join('|'),
    description: 'fp8 only: weights that share a scale (default: row).',
  },
  activations: {
    type: 'string',
    value: activations.join('|'),
    description:
      'dynamic: engines also quantize the input of a linear (default: none; fp8 and smoothquant: dynamic).',
  },
  layout: {
    type: 'string',
    value: quantizedLayouts.join('|'),
    description: 'How the codes are stored (default: compressed-tensors).',
  },
} as const satisfies Options;

/** The flags as given. */
export interface SchemeFlags {
  readonly scheme: string | undefined;
  readonly group: string | undefined;
  readonly asymmetric: boolean;
  readonly convention: string | undefined;
  readonly block: string | undefined;
  readonly activations: string | undefined;
  readonly layout: string | undefined;
}

/** Throws UsageInvalid for an unknown word and for a flag that the scheme or the method has no use for. */
export function chooseScheme(flags: SchemeFlags, method: MethodName = 'rtn'): QuantizationScheme {
  const { scheme: given = method === 'smoothquant' ? 'int8' : undefined } = flags;
  if (given === undefined)
    throw new BuildFailure('UsageInvalid', `quantize needs --scheme ${grids.join('|')}`);
  const scheme = choose('--scheme', given, grids);
  const chosen = {
    grid: chooseGrid(scheme, flags),
    layout: choose('--layout', flags.layout ?? 'compressed-tensors', quantizedLayouts),
    activations: choose(
      '--activations',
      flags.activations ?? (scheme === 'fp8' || method === 'smoothquant' ? 'dynamic' : 'none'),
      activations,
    ),
  };
  if (method !== 'rtn') checkMethod(method, scheme, chosen);
  return chosen;
}

/** Solvers find integers; SmoothQuant is about rounding activations too, which takes whole rows of symmetric int8. */
function checkMethod(
  method: MethodName,
  scheme: (typeof grids)[number],
  { grid, layout, activations: rounded }: QuantizationScheme,
): void {
  const refuse = (flag: string): never => {
    throw new BuildFailure('UsageInvalid', `${flag} means nothing for --method ${method}`);
  };
  if (grid.kind !== 'integer' || (method === 'smoothquant' && grid.bits !== 8)) refuse(`--scheme ${scheme}`);
  if (method !== 'smoothquant' || grid.kind !== 'integer') return;
  if (grid.group !== null) refuse('--group');
  if (!grid.symmetric) refuse('--asymmetric');
  if (layout !== 'compressed-tensors') refuse(`--layout ${layout}`);
  if (rounded === 'none') refuse('--activations none');
}

function chooseGrid(scheme: (typeof grids)[number], flags: SchemeFlags): Grid {
  const isInteger = scheme === 'int8' || scheme === 'int4';
  refuseIdle(
    `--scheme ${scheme}`,
    [
      ...(isInteger ? ['block' as const] : (['group', 'asymmetric', 'convention'] as const)),
      ...(scheme === 'nvfp4' ? ['block' as const] : []),
    ],
    flags,
  );
  if (isInteger) return chooseIntegers(scheme === 'int8' ? 8 : 4, flags);
  if (scheme === 'nvfp4') return { kind: 'nvfp4' };
  const names = Object.keys(fp8Blocks) as (keyof typeof fp8Blocks)[];
  return { kind: 'fp8', block: fp8Blocks[choose('--block', flags.block ?? 'row', names)] };
}

function chooseIntegers(bits: 4 | 8, { group, asymmetric, convention }: SchemeFlags): IntegerGrid {
  const whole = group === 'row' || (group === undefined && bits === 8);
  return {
    kind: 'integer',
    bits,
    group: whole ? null : parseWhole('--group', group ?? '128', { least: 8, most: 65_536 }),
    symmetric: !asymmetric,
    convention: choose('--convention', convention ?? 'centred', conventions),
  };
}
