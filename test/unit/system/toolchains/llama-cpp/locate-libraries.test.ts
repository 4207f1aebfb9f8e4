import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { locateLibraries } from '../../../../../system/toolchains/llama-cpp/locate-libraries.ts';

const folder = mkdtempSync(join(tmpdir(), 'locate-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('locateLibraries', () => {
  it('finds the three libraries in a folder of a source build, and no CPU variant among them', () => {
    for (const name of [
      'libllama.so',
      'libllama.so.0.5.0',
      'libggml.so',
      'libggml-base.so',
      'libggml-cpu.so',
    ]) {
      writeFileSync(join(folder, name), '');
    }

    const files = locateLibraries({ libraryFolder: folder });

    expect([files.llama, files.ggml, files.ggmlBase].map((file) => basename(file))).toEqual([
      'libllama.so',
      'libggml.so',
      'libggml-base.so',
    ]);
  });

  it('names the folder that cannot be read', () => {
    expect(() => locateLibraries({ libraryFolder: join(folder, 'absent') })).toThrow(
      expect.objectContaining({ name: 'ToolchainMissing', message: expect.stringContaining('absent') }),
    );
  });
});
