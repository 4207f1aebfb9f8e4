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
  UsageInvalid: row('The command line is not valid', 'Run the verb with --help.', 'never', 64),
  RecipeInvalid: row('The recipe does not follow the schema', 'Correct the named line; docs/recipe.md lists every key.', 'never', 65),
  RecipeImpossible: row('The recipe asks for a combination that cannot work', 'Change one of the named settings.', 'never', 65),
  RecipeMissing: row('The recipe file cannot be read', 'Check the path.', 'never', 66),
  DatasetMissing: row('A dataset file does not exist', 'Check the path; it is relative to the recipe.', 'never', 66),
  DatasetEmpty: row('A dataset has no usable sample', 'Give it at least one sample.', 'never', 65),
  DatasetInvalid: row('A dataset line has the wrong form', 'Correct the named line.', 'never', 65),
  RepositoryMissing: row('The hub has no such repository', 'Check the name; a private repository needs a token.', 'never', 66),
  RevisionMissing: row('The repository has no such revision', 'Name a branch, a tag or a full commit.', 'never', 66),
  AccessDenied: row('The hub refuses access', 'Accept the licence on the hub, or set the token variable the recipe names.', 'never', 77),
  HubUnreachable: row('The hub does not answer', 'Check HF_ENDPOINT and the network; the fetch resumes where it stopped.', 'later', 69),
  DownloadTruncated: row('A download ended before its last byte', 'Run again; the fetch resumes.', 'later', 74),
  DownloadCorrupt: row('A downloaded file has another digest than the hub announced', 'Run again; if it stays, the hub or a proxy alters files.', 'later', 74),
  SnapshotEmpty: row('The repository has no file this recipe can use', 'It needs config.json and weights as safetensors or bin.', 'never', 65),
  WeightsCorrupt: row('A weight file is damaged or hostile', 'Fetch it again from a source you trust.', 'never', 65),
  WeightsUnsupported: row('A weight file uses a feature this version does not read', 'Convert it with the tool that wrote it.', 'never', 65),
  WeightsDiffer: row('Two sets of weights are not equal', 'The named tensors differ; do not use the second set.', 'never', 65),
  WeightsMissing: row('A folder holds no weights', 'Point at a folder with safetensors or bin files.', 'never', 66),
  AdapterMismatch: row('The adapter was made for another base model', 'Use the base named in its adapter_config.json.', 'never', 65),
  AdapterUnsupported: row('The adapter is of a kind that cannot be merged', 'Merge it with the tool that trained it.', 'never', 65),
  MergeNotFinite: row('Merging gave a value that is not finite', 'The adapter or its weight is too large for the base dtype.', 'never', 65),
  FamilyUnsupported: row('The model family is not in the catalog', 'docs/architecture.md lists the families.', 'never', 65),
  TokenizerUnsupported: row('The tokenizer is of a kind this toolchain cannot use', 'Use a BPE tokenizer.json or a SentencePiece model.', 'never', 65),
  ToolchainMissing: row('The toolchain is not installed on this worker', 'Run enginewright doctor there.', 'elsewhere', 69),
  ToolchainMismatch: row('The toolchain is another version than the pinned one', 'Run npm ci; the layout of its structs would be wrong.', 'never', 69),
  ToolCrashed: row('A tool ended unexpectedly', 'Read its last lines; out-of-memory kills look like this.', 'later', 70),
  ToolFailed: row('A tool refused its input', 'Read its message.', 'never', 70),
  EngineInvalid: row('The built engine fails its verification', 'The named check tells what is wrong with it.', 'never', 70),
  EngineDegenerate: row('The engine loops or answers with nothing', 'The quantization is too coarse for this model, or the template is wrong.', 'never', 70),
  Stalled: row('A step made no progress for too long', 'It was ended; look at the worker.', 'later', 75),
  DiskFull: row('There is not enough room on the disk', 'Free the named amount.', 'later', 74),
  DiskFailed: row('Reading or writing a file failed', 'Look at the disk and its mount, then run again.', 'later', 74),
  StoreUnwritable: row('The store cannot be written', 'Check owner and mode of the folder, or set ENGINEWRIGHT_HOME.', 'never', 73),
  StoreCorrupt: row('An artifact in the store is damaged', 'It was set aside; run again to make it anew.', 'later', 74),
  ArtifactMissing: row('The store has no such artifact', 'Check the digest, or run the recipe again.', 'never', 66),
  PortTaken: row('A port that was asked for is in use', 'Choose another, or leave it out to get a free one.', 'never', 69),
  ServerUnreachable: row('No Temporal server answers at the address', 'Start one with enginewright up, or leave --address out.', 'later', 69),
  ServerFailed: row('The Temporal server did not start', 'Read its last lines.', 'never', 69),
  NamespaceMismatch: row('The Temporal namespace disagrees with what enginewright needs', 'Use another namespace, or correct the named setting.', 'never', 78),
  RunMissing: row('There is no such run', 'enginewright runs lists them.', 'never', 66),
  AliasMoved: row('The alias was changed by someone else meanwhile', 'Look at history and promote again.', 'never', 75),
  ReleaseMissing: row('There is nothing to promote', 'Only a published run can be promoted.', 'never', 66),
  VerdictFailed: row('A gate failed', 'The report tells which one and by how much.', 'never', 1),
  VariantFailed: row('A variant could not be built or judged', 'The run tells the failed step.', 'never', 1),
  Cancelled: row('The run was cancelled', 'Start it again; finished steps are cached.', 'never', 130),
  InternalError: row('This is a bug in enginewright', 'Please report it with the stack.', 'later', 70),
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

function row(title: string, advice: string, retry: FailureRow['retry'], exit: number): FailureRow {
  return { title, advice, retry, exit };
}
