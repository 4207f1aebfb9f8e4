import { describe, expect, it } from 'vitest';
import { readAdapterConfig } from '../../../../../core/formats/peft/adapter-config.ts';
import { planMerge, type MergeRequest } from '../../../../../core/formats/peft/plan-merge.ts';
import { countBytes, type TensorDtype, type WeightTensor } from '../../../../../core/formats/tensor.ts';

function tensor(name: string, shape: readonly number[], dtype: TensorDtype = 'F32'): WeightTensor {
  return { name, dtype, shape, bytes: countBytes(dtype, shape) ?? 0, file: `/${name}`, offset: 8 };
}

const q = 'model.layers.0.self_attn.q_proj';
const embed = 'model.embed_tokens';
const experts = 'model.layers.0.mlp.experts';
const base = [
  tensor(`${embed}.weight`, [10, 4]),
  tensor(`${q}.weight`, [4, 4]),
  tensor(`${q}.bias`, [4]),
  tensor('lm_head.weight', [10, 4]),
  ...[0, 1].flatMap((expert) => [
    tensor(`${experts}.${expert}.gate_proj.weight`, [6, 4]),
    tensor(`${experts}.${expert}.up_proj.weight`, [6, 4]),
    tensor(`${experts}.${expert}.down_proj.weight`, [4, 6]),
  ]),
];
const key = (name: string, shape: readonly number[]) => tensor(`base_model.model.${name}`, shape);
const pair = [key(`${q}.lora_A.weight`, [2, 4]), key(`${q}.lora_B.weight`, [4, 2])];

interface Kind {
  readonly tensors: readonly WeightTensor[];
  readonly fields?: object;
  readonly weight?: number;
}

function plan({ tensors, fields, weight = 1 }: Kind, more: Partial<MergeRequest> = {}) {
  const config = readAdapterConfig(
    { peft_type: 'LORA', r: 2, lora_alpha: 6, ...fields },
    'adapter_config.json',
  );
  return planMerge({
    base,
    adapters: [{ label: 'lora', config, tensors, weight }],
    rounding: 'peft-default',
    vocabularySize: 10,
    tiesWordEmbeddings: false,
    ...more,
  });
}

function changesOf(result: ReturnType<typeof plan>, name: string) {
  const piece = result.tensors.find((one) => one.name === name)?.piece;
  return piece?.kind === 'merge' ? piece.changes : [];
}

describe('a square weight', () => {
  const flagged = { tensors: pair, fields: { fan_in_fan_out: true } };

  it('is turned by its architecture, whatever the flag says', () => {
    const conv = 'transformer.h.0.attn.c_proj';
    const gpt = { base: [tensor(`${conv}.weight`, [4, 4])], modelType: 'gpt2' };
    const tensors = [key(`${conv}.lora_A.weight`, [2, 4]), key(`${conv}.lora_B.weight`, [4, 2])];

    expect(changesOf(plan({ tensors }, gpt), `${conv}.weight`)).toMatchObject([{ transpose: true }]);
    expect(changesOf(plan(flagged, { modelType: 'llama' }), `${q}.weight`)[0]).not.toHaveProperty(
      'transpose',
    );
    expect(plan(flagged, { modelType: 'llama' }).warnings.join()).toContain('was corrected');
  });

  it('is not turned on the word of a flag alone', () => {
    expect(() => plan(flagged)).toThrow('which way it is stored');
  });
});

describe('rows that no adapter brings', () => {
  it('are refused unless the mean is asked for', () => {
    expect(() => plan({ tensors: pair }, { rowsNeeded: 12 })).toThrow('needs 12 embedding rows');
  });

  it('become the mean of the others in embedding and output layer', () => {
    const grown = plan({ tensors: pair }, { rowsNeeded: 12, newRows: 'mean' });

    expect(grown.vocabulary).toEqual({ before: 10, after: 12, averaged: 2 });
    for (const name of [`${embed}.weight`, 'lm_head.weight']) {
      expect(grown.tensors.find((one) => one.name === name)).toMatchObject({
        shape: [12, 4],
        piece: { kind: 'merge', base: { rows: 10 }, meanRows: 2 },
      });
    }
  });

  it('count from the rows that are stored, not from a smaller number in the config', () => {
    const padded = base.map((one) => (one.shape[0] === 10 ? tensor(one.name, [16, 4]) : one));
    const stored = { base: padded, vocabularySize: 10, newRows: 'mean' } as const;

    expect(plan({ tensors: pair }, { ...stored, rowsNeeded: 12 }).vocabulary).toEqual({
      before: 16,
      after: 16,
      averaged: 0,
    });
    const grown = plan({ tensors: pair }, { ...stored, rowsNeeded: 20 });
    expect(grown.vocabulary).toEqual({ before: 16, after: 20, averaged: 4 });
    expect(grown.tensors.find(({ name }) => name === 'lm_head.weight')?.shape).toEqual([20, 4]);
  });

  it('are refused, means or not, where no embedding is known by name', () => {
    const unknown = { base: [tensor(`${q}.weight`, [4, 4])], rowsNeeded: 12, newRows: 'mean' } as const;

    expect(() => plan({ tensors: pair }, unknown)).toThrow('needs 12 embedding rows');
  });

  it('leave a vocabulary alone that is large enough', () => {
    const padded = plan({ tensors: pair }, { rowsNeeded: 9, newRows: 'mean' });

    expect(padded.vocabulary).toEqual({ before: 10, after: 10, averaged: 0 });
  });
});

describe('trained rows', () => {
  const rows = (indices: readonly number[], shape: readonly number[]) => ({
    tensors: [...pair, key(`${embed}.token_adapter.trainable_tokens_delta`, shape)],
    fields: { trainable_token_indices: indices },
  });

  it('take the places the config names', () => {
    expect(changesOf(plan(rows([3, 9], [2, 4])), `${embed}.weight`)).toMatchObject([
      { kind: 'rows', rows: [3, 9], source: { rows: 2, columns: 4 } },
    ]);
  });

  it.each([
    ['outside the vocabulary', [3, 10], [2, 4], 'has trained row 10'],
    ['of another number', [3, 9], [3, 4], 'for 2 rows of'],
    ['of another width', [3, 9], [2, 5], 'for 2 rows of'],
  ])('are refused %s', (_, indices, shape, problem) => {
    expect(() => plan(rows(indices, shape))).toThrow(problem);
  });
});

describe('what replaces values', () => {
  it.each([
    [
      'trained rows',
      {
        tensors: [...pair, key(`${embed}.trainable_tokens_delta`, [1, 4])],
        fields: { trainable_token_indices: [1] },
      },
    ],
    ['DoRA', { tensors: [...pair, key(`${q}.lora_magnitude_vector`, [4])], fields: { use_dora: true } }],
    [
      'trained biases',
      { tensors: [...pair, key(`${q}.base_layer.bias`, [4])], fields: { bias: 'lora_only' } },
    ],
  ])('cannot be weighted: %s', (_, kind) => {
    expect(() => plan({ ...kind, weight: 0.5 })).toThrow('cannot have the weight 0.5');
  });
});

describe('fused experts', () => {
  const fields = { target_parameters: ['mlp.experts.gate_up_proj', 'mlp.experts.down_proj'] };
  const tensors = [
    key(`${experts}.base_layer.lora_A.weight`, [4, 4]),
    key(`${experts}.base_layer.lora_B.weight`, [12, 4]),
    key(`${experts}.lora_A.weight`, [4, 6]),
    key(`${experts}.lora_B.weight`, [4, 4]),
  ];

  it('are spread over the matrices on disk: A by blocks of rows, B by every other column', () => {
    const result = plan({ tensors, fields });

    expect(result.merged).toHaveLength(6);
    expect(changesOf(result, `${experts}.1.up_proj.weight`)).toMatchObject([
      {
        a: { rows: 2, columns: 4, offset: 8 + 2 * 4 * 4 },
        b: { rows: 6, columns: 2, offset: 8 + (6 * 4 + 1) * 4, strides: [4, 2] },
        scale: 3,
        roundsDelta: true,
      },
    ]);
  });

  it('are refused when the rank is not the one of the config, though the number of experts divides it', () => {
    expect(() => plan({ tensors, fields: { ...fields, r: 5 } })).toThrow(
      'has A [4, 4] for the 2 experts of model.layers.0.mlp.experts.base_layer, but its config gives rank 5',
    );
    expect(() => plan({ tensors, fields: { ...fields, r: 1 } })).toThrow('but its config gives rank 1');
  });

  it('are refused when the base keeps them in one tensor, or has other sizes', () => {
    expect(() =>
      plan({ tensors, fields }, { base: [tensor(`${experts}.gate_up_proj`, [2, 12, 4])] }),
    ).toThrow('does not keep as one matrix for each expert');
    const wide = [key(`${experts}.lora_A.weight`, [4, 5]), key(`${experts}.lora_B.weight`, [4, 4])];
    expect(() => plan({ tensors: wide, fields })).toThrow('for the 2 experts of');
  });
});
