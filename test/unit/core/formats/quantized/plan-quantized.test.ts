import { describe, expect, it } from 'vitest';
import type { Grid } from '../../../../../core/domain/quantize-pieces.ts';
import type { QuantizingPlan } from '../../../../../core/formats/quantized/plan-quantized.ts';
import { planQuantizedFile } from '../../../../../core/formats/quantized/plan-file.ts';
import type { QuantizationScheme } from '../../../../../core/formats/quantized/scheme.ts';
import { specBytes } from '../../../../../core/formats/spec-bytes.ts';
import { formulaConfig } from '../../../../fixtures/weights/formula-model.ts';
import { int4, int8, model, plan, up } from '../../../../fixtures/weights/quantizing-plan.ts';

/** The parts of one linear as `name: dtype [shape]`. */
function partsOf({ tensors }: QuantizingPlan, module = up): string[] {
  return tensors
    .flatMap((entry) => ('parts' in entry && entry.module === module ? entry.parts : []))
    .map(({ name, dtype, shape }) => `${name.slice(module.length + 1)}: ${dtype} [${shape.join(', ')}]`);
}

describe('the parts of a linear of 256 × 128', () => {
  it.each<[string, Grid, Partial<QuantizationScheme>, string[]]>([
    [
      'int4 in groups',
      int4,
      {},
      ['weight_packed: I32 [256, 16]', 'weight_scale: BF16 [256, 4]', 'weight_shape: I64 [2]'],
    ],
    [
      'int4 with zero points',
      { ...int4, symmetric: false },
      {},
      [
        'weight_packed: I32 [256, 16]',
        'weight_scale: BF16 [256, 4]',
        'weight_shape: I64 [2]',
        'weight_zero_point: I32 [32, 4]',
      ],
    ],
    [
      'int8, weight only',
      int8,
      {},
      ['weight_packed: I32 [256, 32]', 'weight_scale: BF16 [256, 1]', 'weight_shape: I64 [2]'],
    ],
    [
      'int8 with activations',
      int8,
      { activations: 'dynamic' },
      ['weight: I8 [256, 128]', 'weight_scale: BF16 [256, 1]'],
    ],
    [
      'fp8 per tensor',
      { kind: 'fp8', block: [null, null] },
      {},
      ['weight: F8_E4M3 [256, 128]', 'weight_scale: BF16 [1]'],
    ],
    [
      'fp8 per row',
      { kind: 'fp8', block: [1, null] },
      {},
      ['weight: F8_E4M3 [256, 128]', 'weight_scale: BF16 [256, 1]'],
    ],
    [
      'fp8 in blocks',
      { kind: 'fp8', block: [128, 128] },
      { activations: 'dynamic' },
      ['weight: F8_E4M3 [256, 128]', 'weight_scale: BF16 [2, 1]'],
    ],
    [
      'nvfp4',
      { kind: 'nvfp4' },
      {},
      ['weight_packed: U8 [256, 64]', 'weight_scale: F8_E4M3 [256, 8]', 'weight_global_scale: F32 [1]'],
    ],
    [
      'gptq',
      int4,
      { layout: 'gptq' },
      ['qweight: I32 [16, 256]', 'qzeros: I32 [4, 32]', 'scales: F16 [4, 256]', 'g_idx: I32 [128]'],
    ],
    [
      'gptq with 8 bits',
      int8,
      { layout: 'gptq_v2' },
      ['qweight: I32 [32, 256]', 'qzeros: I32 [1, 64]', 'scales: F16 [1, 256]', 'g_idx: I32 [128]'],
    ],
    [
      'awq',
      int4,
      { layout: 'awq' },
      ['qweight: I32 [128, 32]', 'qzeros: I32 [4, 32]', 'scales: F16 [4, 256]'],
    ],
  ])('are those of the format: %s', (_, grid, rest, expected) => {
    expect(partsOf(plan(grid, rest))).toEqual(expected);
  });
});

describe('a quantized model', () => {
  it('keeps embedding, norms and output layer as they are', () => {
    const kept = plan(int4).tensors.flatMap((entry) => ('kept' in entry ? [entry.kept] : []));

    expect(kept.map(({ name }) => name)).toEqual(
      model.map(({ name }) => name).filter((name) => !name.includes('_proj')),
    );
    expect(kept.every(({ piece }) => piece.kind === 'range')).toBe(true);
  });

  it('keeps what a pattern excludes, and says so in its config', () => {
    const { modules, quantizationConfig } = plan(int4, { exclude: ['down_proj', 'layers.0.*'] });

    expect(modules.quantized).toHaveLength(6);
    expect(quantizationConfig['ignore']).toEqual(modules.kept);
    expect(modules.kept).toContain('model.layers.1.mlp.down_proj');
    expect(plan(int4, { exclude: ['down_proj'], layout: 'gptq' }).quantizationConfig['dynamic']).toEqual({
      '-:^model\\.layers\\.0\\.mlp\\.down_proj$': {},
      '-:^model\\.layers\\.1\\.mlp\\.down_proj$': {},
    });
  });

  it('warns when engines would have to run quantized and other linears as one', () => {
    expect(plan(int4, { exclude: ['k_proj'] }).notices.join()).toContain(
      'model.layers.0.self_attn.k_proj is not',
    );
    expect(plan(int4, { exclude: ['o_proj'] }).notices).toEqual([]);
  });

  it('becomes one file whose size is the sum of its parts', () => {
    const { output, tensors } = planQuantizedFile({
      path: '/out/model.safetensors',
      tensors: plan(int4).tensors,
      tiesWordEmbeddings: false,
      metadata: new Map(),
    });

    const [header] = output.pieces;
    const headerBytes = header?.kind === 'bytes' ? Buffer.from(header.base64, 'base64').length : Number.NaN;
    expect(output.bytes).toBe(headerBytes + tensors.reduce((sum, part) => sum + specBytes(part), 0));
    expect(new Set(tensors.map(({ name }) => name)).size).toBe(tensors.length);
  });

  it('drops an output layer that is tied to the embedding, as its config says', () => {
    const tied = model.map((entry) =>
      entry.name === 'lm_head.weight' ? { ...entry, aliasOf: 'model.embed_tokens.weight' } : entry,
    );
    const file = {
      path: '/out/model.safetensors',
      tensors: plan(int4, { tensors: tied }).tensors,
      metadata: new Map(),
    };

    const namesOf = (tiesWordEmbeddings: boolean) =>
      planQuantizedFile({ ...file, tiesWordEmbeddings }).tensors.map(({ name }) => name);

    expect(namesOf(true)).not.toContain('lm_head.weight');
    expect(namesOf(false)).toContain('lm_head.weight');
  });
});

describe('a scheme that cannot be written', () => {
  it.each<[string, Grid, Partial<QuantizationScheme>]>([
    ['fp8 as gptq', { kind: 'fp8', block: [1, null] }, { layout: 'gptq' }],
    ['8 bits as awq', int8, { layout: 'awq' }],
    ['zero points as gptq', { ...int4, symmetric: false }, { layout: 'gptq' }],
    ['a group of 20', { ...int4, group: 20 }, {}],
    ['int4 with activations', int4, { activations: 'dynamic' }],
    ['fp8 in blocks without activations', { kind: 'fp8', block: [128, 128] }, {}],
    ['fp8 in other blocks', { kind: 'fp8', block: [64, 64] }, { activations: 'dynamic' }],
  ])('is UsageInvalid: %s', (_, grid, rest) => {
    expect(() => plan(grid, rest)).toThrow(expect.objectContaining({ name: 'UsageInvalid' }));
  });

  it('is QuantizationUnfit, naming the linear, when a width is no multiple of the group', () => {
    expect(() => plan({ ...int4, group: 96 })).toThrow(
      expect.objectContaining({
        name: 'QuantizationUnfit',
        message: 'model.layers.0.self_attn.q_proj has 128 input features, which is not a multiple of 96',
      }),
    );
  });

  it('is UsageInvalid when a pattern means nothing or everything', () => {
    expect(() => plan(int4, { exclude: ['dwon_proj'] })).toThrow(
      "No linear of the model is meant by 'dwon_proj'",
    );
    expect(() => plan(int4, { exclude: ['*'] })).toThrow('Every linear of the model is excluded');
  });
});

describe('a model that cannot be quantized', () => {
  it('is quantized already', () => {
    const config = { ...formulaConfig, quantization_config: { quant_method: 'awq' } };
    expect(() => plan(int4, { config })).toThrow(expect.objectContaining({ name: 'WeightsUnsupported' }));
  });

  it('has weights that are no floats, or lacks one', () => {
    const bytes = model.map((entry) =>
      entry.name === `${up}.weight` ? { ...entry, dtype: 'I8' as const } : entry,
    );
    expect(() => plan(int4, { tensors: bytes })).toThrow(`${up}.weight is I8`);
    expect(() => plan(int4, { tensors: model.filter(({ name }) => name !== `${up}.weight`) })).toThrow(
      expect.objectContaining({ name: 'WeightsCorrupt' }),
    );
  });

  it('is of an unknown family', () => {
    const config = { ...formulaConfig, architectures: ['BloomForCausalLM'] };
    expect(() => plan(int4, { config })).toThrow(expect.objectContaining({ name: 'FamilyUnsupported' }));
  });
});
