import { describe, expect, it } from 'vitest';
import { bindLibrary } from '../../../system/toolchains/llama-cpp/bind-library.ts';
import { llamaLayout } from '../../../system/toolchains/llama-cpp/generated/llama-layout.ts';
import { locateLibraries } from '../../../system/toolchains/llama-cpp/locate-libraries.ts';
import type { PinnedLayout } from '../../../system/toolchains/llama-cpp/pinned-layout.ts';
import { startLlamaSession } from '../../../system/toolchains/llama-cpp/session.ts';
import { createScope, folder, useLlamaSession } from '../../fixtures/llama-session.ts';

useLlamaSession();

describe('the pinned library', () => {
  it('is the one the layout was generated from', () => {
    expect(bindLibrary(locateLibraries({})).version()).toBe(llamaLayout.version);
  });

  it('is refused when one field of a struct is missing from the layout', () => {
    const wrong = changeStruct('llama_context_params', (fields) =>
      fields.filter(({ name }) => name !== 'n_rs_seq'),
    );

    expect(() => bindLibrary(locateLibraries({}), wrong)).toThrow(
      /offset of llama_context_params\.n_outputs_max is 16/,
    );
  });

  it('is refused when two fields of equal size are swapped, which only the defaults can tell', () => {
    const wrong = changeStruct('llama_context_params', ([first, second, ...rest]) => {
      if (first === undefined || second === undefined) throw new Error('the struct has no fields');
      return [{ ...second, offset: first.offset }, { ...first, offset: second.offset }, ...rest];
    });

    expect(() => bindLibrary(locateLibraries({}), wrong)).toThrow(
      expect.objectContaining({
        name: 'ToolchainMismatch',
        message: expect.stringMatching(/default of llama_context_params\.n_batch is 512 instead of 2048/),
      }),
    );
  });

  it('is refused when it is another version', () => {
    expect(() => bindLibrary(locateLibraries({}), { ...llamaLayout, version: '0.4.0' })).toThrow(
      /llama_version\(\) is 0\.5\.0-dev instead of 0\.4\.0/,
    );
  });

  it('is missing in a folder without it, and the child says so', async () => {
    await expect(startLlamaSession({ libraryFolder: folder }, createScope())).rejects.toMatchObject({
      name: 'ToolchainMissing',
    });
  });
});

function changeStruct(
  name: string,
  change: (fields: PinnedLayout['structs'][string]['fields']) => PinnedLayout['structs'][string]['fields'],
): PinnedLayout {
  const struct = llamaLayout.structs[name];
  if (struct === undefined) throw new Error(`no struct ${name}`);
  return {
    ...llamaLayout,
    structs: { ...llamaLayout.structs, [name]: { ...struct, fields: change(struct.fields) } },
  };
}
