import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { inheritedEnvironment } from '../../process/inherited-environment.ts';

export interface ChildOptions {
  /** Folder with llama.cpp's libraries; the npm package when left out. */
  readonly libraryFolder?: string | undefined;
  /** Listed, not inherited; PATH alone is added. A CUDA build may need LD_LIBRARY_PATH and CUDA_VISIBLE_DEVICES. */
  readonly env?: { readonly [name: string]: string } | undefined;
}

export type LlamaChild = ReturnType<typeof startChild>;

/** Starts child.ts (or its compiled form, where this file is compiled) as the leader of a process group of its own. */
export function startChild({ libraryFolder, env }: ChildOptions) {
  const extension = extname(import.meta.url);
  const entry = fileURLToPath(new URL(`child${extension}`, import.meta.url));
  const loader = extension === '.ts' ? ['--import', typescriptLoader()] : [];
  return execa(
    process.execPath,
    [...loader, entry, ...(libraryFolder === undefined ? [] : [libraryFolder])],
    {
      detached: true,
      extendEnv: false,
      env: { ...inheritedEnvironment(), ...env },
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
      buffer: false,
      reject: false,
    },
  );
}

/** Node 20 reads no TypeScript by itself. */
function typescriptLoader(): string {
  return pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
}
