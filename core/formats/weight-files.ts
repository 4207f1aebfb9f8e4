import { BuildFailure } from '../domain/failures.ts';

/** The two formats weights come in here. GGUF and others are toolchains' own business. */
export type WeightFormat = 'safetensors' | 'bin';

/** Which files of a folder are its weights, before any is opened. Names are relative to the folder. */
export interface WeightFileSet {
  readonly format: WeightFormat;
  readonly role: 'model' | 'adapter';
  /** In the order of their names. */
  readonly files: readonly string[];
  /** Present when an index file says which shard holds which tensor. */
  readonly index?: string;
}

interface Naming {
  readonly format: WeightFormat;
  readonly role: 'model' | 'adapter';
  readonly stem: string;
  readonly suffix: string;
}

/**
 * Hugging Face names (transformers `WEIGHTS_NAME`, `SAFE_WEIGHTS_NAME` and their indexes; peft `WEIGHTS_NAME`), in the
 * order loaders look for them: where both formats lie side by side, safetensors is what gets loaded.
 */
const namings: readonly Naming[] = [
  { format: 'safetensors', role: 'model', stem: 'model', suffix: '.safetensors' },
  { format: 'bin', role: 'model', stem: 'pytorch_model', suffix: '.bin' },
  { format: 'safetensors', role: 'adapter', stem: 'adapter_model', suffix: '.safetensors' },
  { format: 'bin', role: 'adapter', stem: 'adapter_model', suffix: '.bin' },
];

export interface FolderListing {
  /** For messages. */
  readonly folder: string;
  readonly names: readonly string[];
  /** What to take where a folder holds a model and an adapter. */
  readonly prefer: WeightFileSet['role'];
}

/** Chooses the weights among a folder's file names. Throws WeightsMissing, also for shards of which some are absent. */
export function chooseWeightFiles({ folder, names, prefer }: FolderListing): WeightFileSet {
  const present = new Set(names);
  const ordered = namings.toSorted((a, b) => Number(b.role === prefer) - Number(a.role === prefer));
  for (const naming of ordered) {
    const { format, role, stem, suffix } = naming;
    const single = `${stem}${suffix}`;
    const index = `${single}.index.json`;
    if (present.has(single)) return { format, role, files: [single] };
    const shards = names.filter((name) => shardOf(name, naming) !== undefined).sort();
    if (present.has(index)) return { format, role, files: shards, index };
    if (shards.length > 0) return { format, role, files: checkComplete(shards, naming, folder) };
  }
  return chooseOnlyFile(names, folder);
}

/** Shards without an index are taken when the count in their names is met. */
function checkComplete(shards: readonly string[], naming: Naming, folder: string): readonly string[] {
  const total = shardOf(shards[0] ?? '', naming)?.total ?? 0;
  const complete =
    shards.length === total && shards.every((name, index) => shardOf(name, naming)?.number === index + 1);
  if (complete) return shards;
  throw new BuildFailure('WeightsMissing', `${folder} has ${shards.length} of ${total} shards and no index`);
}

function shardOf(name: string, { stem, suffix }: Naming): { number: number; total: number } | undefined {
  if (!name.startsWith(`${stem}-`) || !name.endsWith(suffix)) return undefined;
  const match = /^(\d{5,})-of-(\d{5,})$/.exec(name.slice(stem.length + 1, name.length - suffix.length));
  return match === null ? undefined : { number: Number(match[1]), total: Number(match[2]) };
}

// What the transformers Trainer leaves beside the weights under the same ending.
const neverWeights = /^(?:training_args|optimizer|scheduler|rng_state.*|random_states.*)\.bin$/;

function chooseOnlyFile(names: readonly string[], folder: string): WeightFileSet {
  for (const format of ['safetensors', 'bin'] as const) {
    const files = names.filter((name) => name.endsWith(`.${format}`) && !neverWeights.test(name));
    if (files.length === 1) return { format, role: 'model', files };
  }
  throw new BuildFailure(
    'WeightsMissing',
    `${folder} holds no safetensors or bin weights under a name that is known`,
  );
}

/** The format a single file's name promises. Throws WeightsUnsupported for other endings. */
export function formatOfFile(name: string): WeightFormat {
  if (name.endsWith('.safetensors')) return 'safetensors';
  if (/\.(?:bin|pt|pth|ckpt)$/.test(name)) return 'bin';
  throw new BuildFailure(
    'WeightsUnsupported',
    `${name} ends neither in .safetensors nor in .bin, .pt, .pth or .ckpt`,
  );
}

/** The name a weight file takes in another format; shard numbers stay. */
export function renameWeightFile(name: string, to: WeightFormat): string {
  const from = formatOfFile(name);
  if (from === to) return name;
  const bare = name.replace(/\.[a-z]+$/, '');
  const stem =
    to === 'bin'
      ? bare.replace(/^model(?=$|-\d)/, 'pytorch_model')
      : bare.replace(/^pytorch_model(?=$|-\d)/, 'model');
  return `${stem}.${to}`;
}

/** The name of the index over a set of files in Hugging Face layout. */
export function indexNameOf(format: WeightFormat, role: WeightFileSet['role']): string {
  const naming = namings.find((naming) => naming.format === format && naming.role === role);
  return `${naming?.stem ?? 'model'}${naming?.suffix ?? `.${format}`}.index.json`;
}

/** The name of one file of a set in Hugging Face layout; a set of one has no number. `number` counts from 1. */
export function weightFileName(
  { format, role }: Pick<WeightFileSet, 'format' | 'role'>,
  number: number,
  total: number,
): string {
  const naming = namings.find((candidate) => candidate.format === format && candidate.role === role);
  const [stem, suffix] = [naming?.stem ?? 'model', naming?.suffix ?? `.${format}`];
  const padded = (count: number): string => String(count).padStart(5, '0');
  return total === 1 ? `${stem}${suffix}` : `${stem}-${padded(number)}-of-${padded(total)}${suffix}`;
}

const weightEndings =
  /\.(?:safetensors|bin|pt|pth|ckpt|h5|msgpack|onnx|onnx_data|gguf|ggml|tflite|index\.json|digest\.json)$/;

/** Whether a file goes along unchanged: config, tokenizer, generation settings, licence – anything but weights. */
export function isCompanion(name: string): boolean {
  return !name.startsWith('.') && !weightEndings.test(name);
}
