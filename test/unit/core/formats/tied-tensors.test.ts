import { describe, expect, it } from 'vitest';
import type { PlannedTensor } from '../../../../core/formats/pieces.ts';
import { recordedAliases } from '../../../../core/formats/recorded-aliases.ts';
import { settleAliases } from '../../../../core/formats/tied-tensors.ts';

const planned = (name: string, aliasOf?: string): PlannedTensor => ({
  name,
  dtype: 'F16',
  shape: [2],
  piece: { kind: 'range', file: '/f', offset: 0, bytes: 4 },
  ...(aliasOf === undefined ? {} : { aliasOf }),
});
const [embed, head, other] = ['model.embed_tokens.weight', 'lm_head.weight', 'x.weight'];
const settle = (tensors: PlannedTensor[], format: 'bin' | 'safetensors', ties: boolean) => {
  const { tensors: kept, dropped } = settleAliases(tensors, { format, tiesWordEmbeddings: ties });
  return {
    kept: kept.map(({ name, aliasOf }) => (aliasOf === undefined ? name : `${name} = ${aliasOf}`)),
    dropped: [...dropped],
  };
};

describe('names that share one tensor', () => {
  it('lose the output layer in safetensors when the config ties it, whichever name came first', () => {
    expect(settle([planned(embed), planned(head, embed)], 'safetensors', true)).toEqual({
      kept: [embed],
      dropped: [[head, embed]],
    });
    expect(settle([planned(head), planned(embed, head)], 'safetensors', true)).toEqual({
      kept: [embed],
      dropped: [[head, embed]],
    });
  });

  it('give the bytes to the embedding, though another name comes before it', () => {
    const owned = [planned(head), planned(other, head), planned(embed, head)];

    expect(settle(owned, 'safetensors', true)).toEqual({ kept: [other, embed], dropped: [[head, embed]] });
  });

  it('are written twice in safetensors when loaders would not tie them again', () => {
    expect(settle([planned(embed), planned(head, embed)], 'safetensors', false)).toEqual({
      kept: [embed, head],
      dropped: [],
    });
    expect(settle([planned(embed), planned(other, embed)], 'safetensors', true)).toEqual({
      kept: [embed, other],
      dropped: [],
    });
  });

  it('share one storage in a torch file', () => {
    expect(settle([planned(embed), planned(head, embed)], 'bin', true)).toEqual({
      kept: [embed, `${head} = ${embed}`],
      dropped: [],
    });
  });

  it('come back from the metadata of safetensors', () => {
    const owner = { name: embed, dtype: 'F16', shape: [2], bytes: 4, file: '/f', offset: 8 } as const;

    const aliases = recordedAliases(
      [owner],
      new Map([
        [head, embed],
        ['format', 'pt'],
        [embed, embed],
      ]),
    );

    expect(aliases).toEqual([{ ...owner, name: head, aliasOf: embed }]);
  });

  it('are not made of the framework that wrote the file, whatever tensors are called', () => {
    const owner = { name: 'pt', dtype: 'F16', shape: [2], bytes: 4, file: '/f', offset: 8 } as const;

    expect(recordedAliases([owner], new Map([['format', 'pt']]))).toEqual([]);
  });
});
