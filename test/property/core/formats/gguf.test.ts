import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { isBuildFailure } from '../../../../core/domain/failures.ts';
import { layOutGguf } from '../../../../core/formats/gguf/layout.ts';
import { f32s, text, texts, u32 } from '../../../../core/formats/gguf/metadata.ts';
import { readGguf } from '../../../../core/formats/gguf/read-gguf.ts';
import { parseSentencePieceModel } from '../../../../core/formats/tokenizer/sentencepiece-model.ts';
import { sentencePieceModel } from '../../../fixtures/gguf/tiny-tokenizers.ts';

const { header, bytes } = layOutGguf(
  [
    ['general.architecture', text('llama')],
    ['tokens', texts(['a', 'b'])],
    ['scores', f32s([1, 2])],
    ['count', u32(3)],
  ],
  [
    { name: 'a', type: 'F16', shape: [4, 8] },
    { name: 'b', type: 'Q8_0', shape: [2, 32] },
  ],
);

const mutations = (length: number) =>
  fc.array(fc.tuple(fc.nat(length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });

it('the GGUF reader throws nothing but its named failures, whatever bytes are changed', async () => {
  await fc.assert(
    fc.asyncProperty(mutations(header.length), async (changes) => {
      const file = new Uint8Array(bytes);
      file.set(header);
      for (const [at, value] of changes) file[at] = value;
      const source = {
        file: '/x',
        bytes,
        read: async (offset: number, length: number) => file.slice(offset, offset + length),
      };

      const failure = await readGguf(source).then(
        () => undefined,
        (error: unknown) => error,
      );

      expect(failure === undefined || isBuildFailure(failure)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

it('the SentencePiece reader throws nothing but its named failure, whatever bytes are changed', () => {
  const model = sentencePieceModel();
  fc.assert(
    fc.property(mutations(model.length), fc.nat(model.length), (changes, length) => {
      const file = model.slice(0, length);
      for (const [at, value] of changes) if (at < length) file[at] = value;

      const failure = failureOf(() => parseSentencePieceModel(file));

      expect([undefined, 'TokenizerUnsupported']).toContain(failure);
    }),
    { numRuns: 2000 },
  );
});

function failureOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}
