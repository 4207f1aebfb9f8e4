import { join } from 'node:path';

/** Where the model, the adapter and everything that is made of them lie. */
export interface Bench {
  readonly place: string;
  readonly python: string;
  /** Folder of the Python scripts. */
  readonly scripts: string;
  /** The built command line. */
  readonly cli: string;
}

export interface Contender {
  readonly name: string;
  readonly title: string;
  readonly argv: readonly string[];
  /** Folder that it makes, if any. */
  readonly makes?: string;
}

/**
 * In the order in which they run: some read what others wrote, and those that are compared with the conversion stand beside
 * it, because a shared machine is not equally fast for minutes.
 */
export function listContenders(bench: Bench): readonly Contender[] {
  const places = new Places(bench.place);
  return [
    script(bench, {
      name: 'copy',
      title: 'cp -r, fsync',
      argv: ['copy-folder.py', places.model, places.of('copy')],
      makes: places.of('copy'),
    }),
    ...listConversions(bench, places),
    own(bench, {
      name: 'merge',
      title: 'enginewright merge',
      argv: ['merge', '--base', places.model, '--adapter', places.adapter, '--out', places.of('merged')],
      makes: places.of('merged'),
    }),
    own(bench, {
      name: 'int4',
      title: 'enginewright quantize --scheme int4',
      argv: ['quantize', places.model, places.of('int4'), '--scheme', 'int4'],
      makes: places.of('int4'),
    }),
    own(bench, {
      name: 'compare',
      title: 'enginewright compare (reads both)',
      argv: ['compare', places.model, places.of('back')],
    }),
    ...listPython(bench, places),
  ];
}

class Places {
  readonly #place: string;
  readonly model: string;
  readonly adapter: string;

  constructor(place: string) {
    this.#place = place;
    this.model = this.of('model');
    this.adapter = this.of('adapter');
  }

  of(name: string): string {
    return join(this.#place, name);
  }
}

function listConversions(bench: Bench, places: Places): Contender[] {
  const [bin, back] = [places.of('bin'), places.of('back')];
  return [
    own(bench, {
      name: 'to-bin',
      title: 'enginewright convert --to bin',
      argv: ['convert', places.model, bin, '--to', 'bin'],
      makes: bin,
    }),
    own(bench, {
      name: 'to-safetensors',
      title: 'enginewright convert --to safetensors',
      argv: ['convert', bin, back, '--to', 'safetensors'],
      makes: back,
    }),
  ];
}

function listPython(bench: Bench, places: Places): Contender[] {
  const [bin, back, merged] = [places.of('torch-bin'), places.of('torch-back'), places.of('peft-merged')];
  return [
    script(bench, {
      name: 'torch-to-bin',
      title: 'torch: load_file, torch.save, reload',
      argv: ['convert-with-torch.py', places.model, bin, 'bin'],
      makes: bin,
    }),
    script(bench, {
      name: 'torch-to-safetensors',
      title: 'torch: torch.load, save_file, reload',
      argv: ['convert-with-torch.py', bin, back, 'safetensors'],
      makes: back,
    }),
    script(bench, {
      name: 'peft-merge',
      title: 'peft: merge_and_unload, save_pretrained',
      argv: ['merge-with-peft.py', places.model, places.adapter, merged],
      makes: merged,
    }),
  ];
}

function own({ cli }: Bench, contender: Contender): Contender {
  return { ...contender, argv: [process.execPath, cli, ...contender.argv] };
}

/** The first word of `argv` is the script. */
function script({ python, scripts }: Bench, contender: Contender): Contender {
  const [name = '', ...args] = contender.argv;
  return { ...contender, argv: [python, '-B', join(scripts, name), ...args] };
}
