/**
 * Every expected failure, once. The retry policy, the exit code of the CLI, the report and docs/failures.md are
 * read from this table. Names are permanent: scripts and histories refer to them.
 */
export interface FailureRow {
  /** What happened, in a few words. */
  readonly title: string;
  /** What the reader can do. */
  readonly advice: string;
  /** `later`: the same attempt may succeed after a while. `never`: it cannot. `elsewhere`: another worker may. */
  readonly retry: 'never' | 'later' | 'elsewhere';
  /** Exit code of the CLI (sysexits.h from 64 up). */
  readonly exit: number;
}

export const failures = {
  UsageInvalid: never('The command line is not valid', 'Run the verb with --help.', 64),
  RecipeInvalid: never(
    'The recipe does not follow the schema',
    'Correct the named line; docs/recipe.md lists every key.',
    65,
  ),
  RecipeImpossible: never(
    'The recipe asks for a combination that cannot work',
    'Change one of the named settings.',
    65,
  ),
  RecipeMissing: never('The recipe file cannot be read', 'Check the path.', 66),
  DatasetMissing: never('A dataset file does not exist', 'Check the path; it is relative to the recipe.', 66),
  DatasetEmpty: never('A dataset has no usable sample', 'Give it at least one sample.', 65),
  DatasetInvalid: never('A dataset line has the wrong form', 'Correct the named line.', 65),
  RepositoryMissing: never(
    'The hub has no such repository',
    'Check the name; a private repository needs a token.',
    66,
  ),
  RevisionMissing: never('The repository has no such revision', 'Name a branch, a tag or a full commit.', 66),
  AccessDenied: never(
    'The hub refuses access',
    'Accept the licence on the hub, or set the token variable the recipe names.',
    77,
  ),
  HubUnreachable: later(
    'The hub does not answer',
    'Check HF_ENDPOINT and the network; the fetch resumes where it stopped.',
    69,
  ),
  OfflineMissing: never(
    'Something is not in the cache and the hub may not be asked',
    'Unset HF_HUB_OFFLINE once, or name the cache that has it with HF_HUB_CACHE.',
    66,
  ),
  DownloadTruncated: later('A download ended before its last byte', 'Run again; the fetch resumes.', 74),
  DownloadCorrupt: later(
    'A downloaded file has another digest than the hub announced',
    'Run again; if it stays, the hub or a proxy alters files.',
    74,
  ),
  SnapshotEmpty: never(
    'The repository has no file this recipe can use',
    'It needs config.json and weights as safetensors or bin.',
    65,
  ),
  WeightsCorrupt: never('A weight file is damaged or hostile', 'Fetch it again from a source you trust.', 65),
  WeightsUnsupported: never(
    'A weight file uses a feature this version does not read',
    'Convert it with the tool that wrote it.',
    65,
  ),
  WeightsDiffer: never(
    'Two sets of weights are not equal',
    'The named tensors differ; do not use the second set.',
    65,
  ),
  WeightsMissing: never('A folder holds no weights', 'Point at a folder with safetensors or bin files.', 66),
  AdapterMismatch: never(
    'The adapter was made for another base model',
    'Use the base named in its adapter_config.json.',
    65,
  ),
  AdapterUnsupported: never(
    'The adapter is of a kind that cannot be merged',
    'Merge it with the tool that trained it.',
    65,
  ),
  MergeNotProven: never(
    'A merged model does not say what base and adapters say',
    'Look at the adapter: merging it changes something its run-time form does not. Report it if the adapter is plain LoRA.',
    65,
  ),
  MergeNotFinite: never(
    'Merging or quantizing meets a value that is not finite',
    'Merging: the adapter or its weight is too large for the base dtype. Quantizing: the model has such a value, or a scale is too large for its dtype; exclude the named linear or choose another dtype for scales.',
    65,
  ),
  QuantizationUnfit: never(
    'A linear does not fit the quantization',
    'Choose another group or layout, or exclude the named module.',
    65,
  ),
  FamilyUnsupported: never(
    'The model family is not in the catalog',
    'docs/recipe.md lists the families.',
    65,
  ),
  TokenizerUnsupported: never(
    'The tokenizer is of a kind this toolchain cannot use',
    'Use a BPE tokenizer.json or a SentencePiece model.',
    65,
  ),
  ToolchainMissing: elsewhere(
    'The toolchain is not installed on this worker',
    'Run enginewright doctor there.',
    69,
  ),
  ToolchainMismatch: never(
    'The toolchain is another version than the pinned one',
    'Run npm ci; the layout of its structs would be wrong.',
    69,
  ),
  ToolCrashed: later(
    'A tool ended unexpectedly',
    'Read its last lines; out-of-memory kills look like this.',
    70,
  ),
  ToolFailed: never('A tool refused its input', 'Read its message.', 70),
  EngineInvalid: never(
    'The built engine fails its verification',
    'The named check tells what is wrong with it.',
    70,
  ),
  EngineDegenerate: never(
    'The engine loops or answers with nothing',
    'The quantization is too coarse for this model, or the template is wrong.',
    70,
  ),
  Stalled: later('A step made no progress for too long', 'It was ended; look at the worker.', 75),
  DiskFull: later('There is not enough room on the disk', 'Free the named amount.', 74),
  DiskFailed: later(
    'Reading or writing a file failed',
    'Look at the disk and its mount, then run again.',
    74,
  ),
  StoreUnwritable: never(
    'The store cannot be written',
    'Check owner and mode of the folder, or set ENGINEWRIGHT_HOME.',
    73,
  ),
  StoreCorrupt: later(
    'An artifact in the store is damaged',
    'It was set aside; run again to make it anew.',
    74,
  ),
  ArtifactMissing: never('The store has no such artifact', 'Check the digest, or run the recipe again.', 66),
  PortTaken: never(
    'A port that was asked for is in use',
    'Choose another, or leave it out to get a free one.',
    69,
  ),
  ServerUnreachable: later(
    'No Temporal server answers at the address',
    'Start one with enginewright up, or leave --address out.',
    69,
  ),
  ServerFailed: never('The Temporal server did not start', 'Read its last lines.', 69),
  NamespaceMismatch: never(
    'The Temporal namespace disagrees with what enginewright needs',
    'Use another namespace, or correct the named setting.',
    78,
  ),
  RunMissing: never('There is no such run', 'enginewright runs lists them.', 66),
  AliasMoved: never(
    'The alias was changed by someone else meanwhile',
    'Look at history and promote again.',
    75,
  ),
  ReleaseMissing: never('There is nothing to promote', 'Only a published run can be promoted.', 66),
  VerdictFailed: never('A gate failed', 'The report tells which one and by how much.', 1),
  VariantFailed: never('A variant could not be built or judged', 'The run tells the failed step.', 1),
  Cancelled: never('The run was cancelled', 'Start it again; finished steps are cached.', 130),
  InternalError: later('This is a bug in enginewright', 'Please report it with the stack.', 70),
} as const satisfies Record<string, FailureRow>;

export type FailureName = keyof typeof failures;

export function isFailureName(name: string): name is FailureName {
  return Object.hasOwn(failures, name);
}

export interface FailureFacts {
  /** More specific than the table's advice. */
  readonly hint?: string;
  readonly details?: { readonly [name: string]: unknown };
  readonly cause?: unknown;
}

/**
 * An expected failure. `message` says what happened with its facts; advice and exit code come from the table.
 * Never test it with instanceof across the activity border: test `name`.
 */
export class BuildFailure extends Error {
  override readonly name: FailureName;
  readonly hint: string;
  readonly details: { readonly [name: string]: unknown };

  constructor(name: FailureName, message: string, facts: FailureFacts = {}) {
    super(message, 'cause' in facts ? { cause: facts.cause } : undefined);
    this.name = name;
    this.hint = facts.hint ?? failures[name].advice;
    this.details = facts.details ?? {};
  }
}

export function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && isFailureName(error.name) && 'hint' in error;
}

function never(title: string, advice: string, exit: number): FailureRow {
  return { title, advice, retry: 'never', exit };
}

function later(title: string, advice: string, exit: number): FailureRow {
  return { title, advice, retry: 'later', exit };
}

function elsewhere(title: string, advice: string, exit: number): FailureRow {
  return { title, advice, retry: 'elsewhere', exit };
}
