import type { HubFile } from './hub-file.ts';
import { matchesAny } from './file-name-match.ts';

export interface FileSelection {
  /** Exactly the files that match one of these; the defaults no longer apply. */
  readonly allow?: readonly string[];
  /** Never these, whatever else says yes. */
  readonly ignore?: readonly string[];
}

/** Other frameworks' weights and vendors' originals: a second copy of the model that nothing here reads. */
const skipped = [
  '*.gguf',
  '*.onnx',
  '*.onnx_data',
  '*.msgpack',
  '*.h5',
  'original/*',
  '*/original/*',
  '*consolidated*',
  'onnx/*',
];
/** Configuration, tokenizer, chat templates. */
const small = ['*.json', '*.jinja', '*.model', '*.txt', '*.tiktoken'];
/** Whoever copies weights has to copy their licence. */
const licence = /^(LICEN[CS]E|NOTICE|USE_POLICY)/i;
/** The names loaders look for. Beside them lie variants (`model.fp16.safetensors`) and trainer state. */
const canonical = /^(pytorch_model|model|adapter_model)(-\d{5,}-of-\d{5,})?\.(safetensors|bin)$/;
const trainerState = /^(training_args|optimizer|scheduler|random_states.*)\.bin$/;

/**
 * Which files of a repository to fetch. Without `allow`: configuration, tokenizer and licence, and the weights in
 * one format – safetensors where there are any, else `.bin`, never both. Patterns as in huggingface_hub.
 */
export function selectFiles(files: readonly HubFile[], selection: FileSelection = {}): readonly HubFile[] {
  const { allow, ignore = [] } = selection;
  const kept = files.filter(({ path }) => !matchesAny(path, ignore));
  if (allow !== undefined) return kept.filter(({ path }) => matchesAny(path, allow));
  const usable = kept.filter(({ path }) => !matchesAny(path, skipped));
  const weights = selectWeights(usable);
  return usable.filter((file) => weights.has(file.path) || isSmallFile(file.path, weights));
}

/** Weights lie at the top; only a repository without any there keeps them in folders. */
function selectWeights(files: readonly HubFile[]): ReadonlySet<string> {
  const weights = files
    .map(({ path }) => path)
    .filter((path) => isWeights(path) && !trainerState.test(baseName(path)));
  const top = weights.filter((path) => !path.includes('/'));
  const candidates = top.length > 0 ? top : weights;
  const isCanonical = (path: string): boolean => canonical.test(baseName(path));
  const choices = [
    candidates.filter((path) => isSafetensors(path) && isCanonical(path)),
    candidates.filter((path) => !isSafetensors(path) && isCanonical(path)),
    candidates.filter((path) => isSafetensors(path)),
    candidates,
  ];
  return new Set(choices.find((choice) => choice.length > 0));
}

function isSmallFile(path: string, weights: ReadonlySet<string>): boolean {
  if (licence.test(baseName(path))) return true;
  if (!matchesAny(path, small)) return false;
  // The index of the other format would name files that are not there.
  const indexed = /\.(safetensors|bin)\.index\.json$/.exec(path);
  return indexed === null || [...weights].some((name) => name.endsWith(`.${indexed[1]}`));
}

function isWeights(path: string): boolean {
  return path.endsWith('.safetensors') || path.endsWith('.bin');
}

function isSafetensors(path: string): boolean {
  return path.endsWith('.safetensors');
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
