import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { BuildFailure } from '../../../core/domain/failures.ts';

/** npm package with llama.cpp v0.5.0 (MIT), prebuilt for x86-64 Linux with glibc. */
const packageName = '@node-llama-cpp/linux-x64';
const packageFolder = 'bins/linux-x64';

/** Absolute paths of the shared libraries a session loads. */
export interface LlamaLibraryFiles {
  readonly folder: string;
  readonly llama: string;
  readonly ggml: string;
  readonly ggmlBase: string;
  /** One of several CPU variants (`libggml-cpu-haswell.so`, …) is chosen by ggml at run time, from `folder`. */
}

/**
 * Finds llama.cpp's libraries: `libraryFolder` when it is given (the value of ENGINEWRIGHT_LLAMA_LIBRARIES, e.g. a
 * CUDA build), else the npm package. Throws ToolchainMissing.
 */
export function locateLibraries(request: { readonly libraryFolder?: string | undefined }): LlamaLibraryFiles {
  const folder = request.libraryFolder ?? findPackageFolder();
  const names = listFolder(folder);
  return {
    folder,
    llama: findLibrary(folder, names, 'llama'),
    ggml: findLibrary(folder, names, 'ggml'),
    ggmlBase: findLibrary(folder, names, 'ggml-base'),
  };
}

function findPackageFolder(): string {
  const require = createRequire(import.meta.url);
  try {
    // The package exports only its entry, dist/index.js; the libraries lie beside dist.
    return join(dirname(dirname(require.resolve(packageName))), packageFolder);
  } catch (cause) {
    const here = `${platform()}-${arch()}`;
    throw new BuildFailure(
      'ToolchainMissing',
      `the npm package ${packageName} is not installed on this ${here} host`,
      {
        hint: 'Run npm ci without --omit=optional on x86-64 Linux, or set ENGINEWRIGHT_LLAMA_LIBRARIES to a folder with libllama.so v0.5.0.',
        cause,
      },
    );
  }
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new BuildFailure('ToolchainMissing', `the library folder ${folder} cannot be read`, { cause });
  }
}

/** Builds name the files libllama.so, libllama.so.0.5.0 or libllama.v0.5.0.so. */
function findLibrary(folder: string, names: readonly string[], stem: string): string {
  const pattern = new RegExp(`^lib${stem}(\\.v[\\d.]+)?\\.so(\\.[\\d.]+)?$`);
  const found = names
    .filter((name) => pattern.test(name))
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const name = found[0];
  if (name === undefined) {
    throw new BuildFailure('ToolchainMissing', `${folder} has no lib${stem}.so`, { details: { folder } });
  }
  return join(folder, name);
}
