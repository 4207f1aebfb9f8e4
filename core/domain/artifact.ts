import type { JsonObject } from './json.ts';

/** sha256 as 64 lower-case hex digits. Branded, so that a path cannot be passed as one. */
export type Digest = string & { readonly __brand: 'Digest' };

export function isDigest(text: string): text is Digest {
  return /^[0-9a-f]{64}$/.test(text);
}

/** What an artifact's folder holds. Artifacts are typed by content, not by the step that made them. */
export const artifactKinds = [
  'listing', // the files of a repository at a commit
  'snapshot', // those files
  'weights', // a snapshot whose tensors are safetensors
  'comparison', // proof that two sets of weights are equal
  'model', // a merged model with its tokenizer
  'proof', // logits of a merged model against base and run-time adapters
  'statistics', // what a model's linear layers were given for calibration texts
  'quantized', // a model in few bits, in Hugging Face layout
  'checkpoint', // weights in a toolchain's input form
  'engine', // what a toolchain built and verified
  'trial', // prompts and the texts an engine gave
  'scores', // per-sample scores of one evaluation
  'measurement', // raw samples of a benchmark
  'dataset', // evaluation text a recipe names
  'report', // verdicts, report.json and its renderings
  'release', // what an alias can point at
] as const;
export type ArtifactKind = (typeof artifactKinds)[number];

/** A pointer that travels through histories; the bytes stay in the store. */
export interface ArtifactRef<K extends ArtifactKind = ArtifactKind> {
  readonly kind: K;
  readonly digest: Digest;
  /** Sum of the sizes of its files, in bytes. */
  readonly bytes: number;
  /** What weights are, whatever format and files hold them (system/weights/identify-weights.ts); only of weights. */
  readonly identity?: Digest;
}

const weightKinds: ReadonlySet<ArtifactKind> = new Set(['snapshot', 'weights', 'model']);

/** Whether an artifact of this kind is a set of weights with what belongs to it. */
export function holdsWeights(kind: ArtifactKind): boolean {
  return weightKinds.has(kind);
}

/** What stands for an artifact where only its meaning counts: equal for the same weights in `.bin` and safetensors. */
export function identityOf({ identity, digest }: ArtifactRef): Digest {
  return identity ?? digest;
}

export interface ManifestFile {
  /** Relative, with `/`, never leaving the folder. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: Digest;
}

/** Where an artifact came from: enough to make it again. */
export interface Provenance {
  readonly step: string;
  readonly stepVersion: number;
  readonly key: Digest;
  readonly inputs: { readonly [role: string]: Digest };
  readonly parameters: JsonObject;
  readonly toolchain?: JsonObject;
}

/**
 * `manifest.json` of an artifact. The artifact's digest is sha256 over the canonical JSON of `kind` and `files`
 * (sorted by path), so equal content has one name however it was made.
 */
export interface Manifest<K extends ArtifactKind = ArtifactKind> {
  readonly formatVersion: 1;
  readonly kind: K;
  readonly files: readonly ManifestFile[];
  /** A few numbers worth showing without opening the files. */
  readonly facts: JsonObject;
  readonly provenance: Provenance | null;
}
