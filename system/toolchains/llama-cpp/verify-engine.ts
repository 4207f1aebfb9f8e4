import { BuildFailure, isBuildFailure } from '../../../core/domain/failures.ts';
import { canonicalJson } from '../../../core/domain/json.ts';
import { fileTypes, type FileTypeName } from './file-types.ts';
import type { LlamaSession } from './session.ts';

export interface EngineToVerify {
  readonly checkpoint: string;
  readonly engine: string;
  /** Null: the engine has the very types of its checkpoint. */
  readonly type: FileTypeName | null;
  readonly adapters: readonly { readonly file: string; readonly scale: number }[];
  readonly threads: number;
}

export interface VerifiedEngine {
  readonly tensors: number;
  /** Tensor type → how many. */
  readonly types: { readonly [type: string]: number };
  readonly parameters: number;
  /** What the model was trained for. */
  readonly contextTokens: number;
}

/** Long enough for any prompt of a test; the model's own context may be far larger than memory. */
const longestContext = 4_096;

/**
 * Reads a built engine back, because a tool's exit code proves nothing: it has every tensor of its checkpoint, most
 * matrices have the type that was asked for, it loads with its adapters, and its logits are finite.
 */
export async function verifyEngine(session: LlamaSession, subject: EngineToVerify): Promise<VerifiedEngine> {
  const [before, after] = [
    await session.request('inspect', { file: subject.checkpoint }),
    await orInvalid(session.request('inspect', { file: subject.engine })),
  ];
  if (after.tensors !== before.tensors) {
    throw new BuildFailure(
      'EngineInvalid',
      `the engine has ${after.tensors} tensors, its checkpoint ${before.tensors}`,
    );
  }
  if (subject.type === null) requireSameCodes(before.types, after.types);
  else requireType(after.types, subject.type);
  const adapters = subject.adapters.map(({ file, scale }) => ({ file, scale }));
  const opened = await orInvalid(
    session.request('open', {
      file: subject.engine,
      contextTokens: 64,
      sequences: 1,
      threads: subject.threads,
      adapters,
    }),
  );
  const { engine, vocabularySize, bos, parameters, trainedContext } = opened;
  const { notFinite, top } = await session.request('logits', {
    engine,
    tokens: [Math.max(bos, 0), Math.floor(vocabularySize / 2)],
    topK: 2,
  });
  await session.request('close', { engine });
  if (notFinite > 0 || top.length === 0)
    throw new BuildFailure('EngineInvalid', `the engine gives ${notFinite} logits that are not finite`);
  if (top[0]?.logit === top[1]?.logit)
    throw new BuildFailure('EngineInvalid', 'the engine finds every next token equally likely');
  return {
    tensors: after.tensors,
    types: after.types,
    parameters,
    contextTokens: Math.min(trainedContext, longestContext),
  };
}

/** Norms stay f32 and llama.cpp keeps a few matrices in more bits, so the wanted type must lead among the others. */
function requireType(types: { readonly [type: string]: number }, wanted: FileTypeName): void {
  const { tensor } = fileTypes[wanted];
  const matrices = Object.entries(types).filter(([type]) => type !== 'f32' || tensor === 'f32');
  const leading = matrices.toSorted(([, a], [, b]) => b - a)[0]?.[0];
  if (leading !== tensor) {
    throw new BuildFailure(
      'EngineInvalid',
      `${wanted} was asked for, but most matrices are ${leading ?? 'missing'}`,
    );
  }
}

const floatTypes = new Set(['f32', 'f16', 'bf16']);

/** Codes that have no blocks of ggml's own became floats in the checkpoint, which is not what was asked for. */
function requireSameCodes(
  before: { readonly [type: string]: number },
  after: { readonly [type: string]: number },
): void {
  if (canonicalJson(before) !== canonicalJson(after))
    throw new BuildFailure('EngineInvalid', 'the engine has other tensor types than its checkpoint');
  if (Object.keys(after).every((type) => floatTypes.has(type)))
    throw new BuildFailure(
      'EngineInvalid',
      'no codes of the quantized model fit the blocks of llama.cpp unchanged',
    );
}

/** What llama.cpp refuses to read back is an invalid engine. */
async function orInvalid<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!isBuildFailure(error) || error.name !== 'ToolFailed') throw error;
    throw new BuildFailure('EngineInvalid', error.message, { details: error.details, cause: error });
  }
}
