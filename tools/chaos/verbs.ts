import { join } from 'node:path';
import { startToEnd } from './kill-once.ts';
import type { ChaosModel } from './weights-model.ts';

export interface ChaosVerb {
  readonly name: string;
  /** The command line that fills `out`. */
  readonly args: (out: string) => readonly string[];
  /** Whether an output that is there already is replaced; else it is refused. */
  readonly replaces: boolean;
}

/** Every verb that writes weights, and the two directions of a single file. `folder` gets what the second one reads. */
export async function chaosVerbs({ base, adapter, file }: ChaosModel, folder: string): Promise<ChaosVerb[]> {
  const bin = join(folder, 'single.bin');
  await startToEnd(['convert', file, bin, '--to', 'bin']);
  const intoFolder = (name: string, args: ChaosVerb['args']) => ({ name, args, replaces: false });
  const intoFile = (name: string, args: ChaosVerb['args']) => ({ name, args, replaces: true });
  return [
    intoFolder('convert', (out) => ['convert', base, out, '--to', 'bin']),
    intoFolder('merge', (out) => ['merge', '--base', base, '--adapter', adapter, '--out', out]),
    intoFolder('quantize', (out) => ['quantize', base, out, '--scheme', 'int8']),
    intoFile('convert a file to .bin', (out) => ['convert', file, out, '--to', 'bin']),
    intoFile('convert a file to .safetensors', (out) => ['convert', bin, out, '--to', 'safetensors']),
  ];
}
