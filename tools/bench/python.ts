import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

// The default wheel of torch brings gigabytes of CUDA along, which are not used; whoever has an index of wheels for CPUs
// names it in PIP_EXTRA_INDEX_URL, which pip reads by itself.
const requirements = ['torch==2.11.0', 'peft==0.21.0', 'transformers==5.23.0', 'safetensors==0.8.0', 'numpy'];
const probe = 'import torch, peft, transformers, safetensors';

/** Path of a Python that can run the scripts beside this file; makes a virtual environment in `cache` if none is given. */
export async function preparePython(given: string | null, cache: string): Promise<string> {
  if (given !== null) {
    await execa(given, ['-c', probe], { stdout: 'ignore' });
    return given;
  }
  const folder = join(cache, 'python');
  const python = join(folder, 'bin', 'python');
  if (existsSync(python) && (await hasPackages(python))) return python;
  await mkdir(cache, { recursive: true });
  await execa('python3', ['-m', 'venv', folder], { stdio: ['ignore', 2, 2] });
  await execa(python, ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet', ...requirements], {
    stdio: ['ignore', 2, 2],
  });
  return python;
}

async function hasPackages(python: string): Promise<boolean> {
  const { exitCode } = await execa(python, ['-c', probe], { reject: false, stdout: 'ignore' });
  return exitCode === 0;
}
