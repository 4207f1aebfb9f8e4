import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { sha256OfFile } from '../../../files/hash-file.ts';
import type { LlamaLibrary } from '../bind-library.ts';
import type { Operation } from './operation.ts';

/** The libraries are those the process has really mapped: ggml picks one of many CPU variants by itself. */
export const identity: Operation<'identity'> = async ({ library }) => {
  const files = await mappedLibraries();
  const digests = await Promise.all(
    files.map(async (file) => [basename(file), await sha256OfFile(file)] as const),
  );
  const variant = files
    .map((file) => /^libggml-cpu-?([\w-]*)\./.exec(basename(file)))
    .find((match) => match !== null);
  return {
    llamaCpp: library.version(),
    libraries: Object.fromEntries(digests),
    systemInfo: library.systemInfo().trim(),
    cpuBackend: variant?.[1] === undefined || variant[1] === '' ? 'default' : variant[1],
    devices: listDevices(library),
  };
};

/** Last field of a line in /proc/self/maps, proc(5). */
async function mappedLibraries(): Promise<string[]> {
  const maps = await readFile('/proc/self/maps', 'utf8');
  const files = maps.split('\n').map((line) => /\s(\/\S.*)$/.exec(line)?.[1] ?? '');
  return [...new Set(files)].filter((file) => /^lib(llama|ggml)[\w.-]*\.so/.test(basename(file))).sort();
}

function listDevices(library: LlamaLibrary): { name: string; description: string }[] {
  return Array.from({ length: library.deviceCount() }, (_, index) => {
    const device = library.device(index);
    return { name: library.deviceName(device), description: library.deviceDescription(device).trim() };
  });
}
