/**
 * The protocol between a worker and its llama.cpp child; this file is its document.
 *
 * One JSON object a line. The child says `ready` or `refused` first. Then the parent writes requests to its stdin
 * and the child answers each, in order, with any number of `progress` and one `result` or `error` on its stdout.
 * llama.cpp's own log goes to stderr. The child ends when its stdin closes and on SIGTERM, in the middle of an
 * operation too: that is how an operation is cancelled.
 *
 * Text becomes tokens as tokenizer.json would do it: special tokens in the text are recognised, and BOS is put in
 * front where the model asks for it. Times are milliseconds of a monotonic clock, digests sha256 in hex.
 */
import { z } from 'zod';

const tokens = z.array(z.int().nonnegative());
/** Names an engine the child holds open. */
const handle = z.int().positive();
const count = z.int().nonnegative();
const positive = z.int().positive();
const empty = z.strictObject({});

/** What perplexity and divergence score. */
const windows = z.discriminatedUnion('kind', [
  /** Token windows as they are. */
  z.strictObject({ kind: z.literal('tokens'), windows: z.array(tokens).min(1) }),
  /** Every text is one window, with BOS where the model wants it. Must fit the context. */
  z.strictObject({ kind: z.literal('texts'), texts: z.array(z.string()).min(1) }),
  /**
   * A running text, cut into windows of `window` tokens, BOS counted. A window starts `stride` text tokens after the
   * one before (default: no overlap); of an overlapping window only the tokens its predecessor did not score count.
   * A rest too short for a whole window is left out.
   */
  z.strictObject({
    kind: z.literal('text'),
    text: z.string(),
    window: z.int().min(2),
    stride: positive.optional(),
    maxWindows: positive.optional(),
  }),
]);
export type WindowSource = z.infer<typeof windows>;

/** sha256 over the windows' token ids as little-endian int32, windows separated by -1: equal digest, equal task. */
const windowsDigest = z.string().length(64);

const prompt = z.union([
  z.strictObject({ id: z.string(), text: z.string() }),
  z.strictObject({ id: z.string(), tokens: tokens.min(1) }),
]);
export type Prompt = z.infer<typeof prompt>;

const generated = z.strictObject({
  id: z.string(),
  text: z.string(),
  /** Includes the end token when there is one; `text` does not. */
  tokens,
  finish: z.enum(['stop', 'length']),
  promptTokens: count,
});
export type GeneratedText = z.infer<typeof generated>;

const divergenceWindow = z.strictObject({
  /** Scored positions. */
  tokens: count,
  kldSum: z.number(),
  kldMax: z.number(),
  /** Positions where both sides put the same token first. */
  top1Matches: count,
  /** Σ (p_candidate − p_baseline)² of the correct token; its mean's root is llama.cpp's "RMS Δp". */
  deltaSquaredSum: z.number(),
  baselineNll: z.number(),
  candidateNll: z.number(),
  /** Of each position in order, when `keepPositions`. */
  kld: z.array(z.number()).optional(),
});
export type ScoredDivergence = z.infer<typeof divergenceWindow>;

/** All times on one clock that starts with the measurement. */
const measuredRequest = z.strictObject({
  sentMs: z.number(),
  firstTokenMs: z.number(),
  lastTokenMs: z.number(),
  inputTokens: count,
  outputTokens: count,
  /** Between neighbouring output tokens. */
  gapsMs: z.array(z.number()),
});
export type MeasuredRequest = z.infer<typeof measuredRequest>;

export const operations = {
  /** What the engine's bytes and scores depend on. */
  identity: {
    params: empty,
    result: z.strictObject({
      llamaCpp: z.string(),
      /** File name → sha256, of every llama.cpp library this process has mapped. */
      libraries: z.record(z.string(), z.string()),
      /** llama_print_system_info(): instruction sets in use. */
      systemInfo: z.string(),
      /** The CPU variant ggml chose, e.g. `haswell`. */
      cpuBackend: z.string(),
      devices: z.array(z.strictObject({ name: z.string(), description: z.string() })),
    }),
  },
  /** GGUF → GGUF of another llama_ftype (llama.h). `pure`: every matrix gets the same type. */
  quantize: {
    params: z.strictObject({
      from: z.string(),
      to: z.string(),
      ftype: count,
      threads: positive,
      pure: z.boolean().optional(),
      /** Allows tensors that are quantized already as input. */
      requantize: z.boolean().optional(),
    }),
    result: z.strictObject({ bytes: count, milliseconds: z.number() }),
  },
  /** What a GGUF holds, read by llama.cpp's own library. */
  inspect: {
    params: z.strictObject({ file: z.string() }),
    result: z.strictObject({
      tensors: count,
      /** Tensor type (ggml_type_name) → how many. */
      types: z.record(z.string(), count),
    }),
  },
  /** Sums over what the linear layers of a model are given, written as `statistics.safetensors`. */
  capture: {
    params: z.strictObject({
      /** GGUF in a floating-point type. */
      file: z.string(),
      source: windows,
      /** Tokens of a window, at most; longer texts are cut. */
      window: positive,
      /** Windows read, drawn from all by the seed. */
      windows: positive,
      seed: count,
      threads: positive,
      /** Name of a matrix in the GGUF → module in Hugging Face's layout. */
      modules: z.record(z.string(), z.string()),
      /** Library of native/statistics. */
      library: z.string(),
      to: z.string(),
    }),
    result: z.strictObject({ tokens: count, windows: count, inputs: count, bytes: count }),
  },
  open: {
    params: z.strictObject({
      file: z.string(),
      /** Tokens of context for each sequence. */
      contextTokens: positive,
      /** Sequences decoded together; 1 gives results that depend on nothing but the prompt. */
      sequences: positive.max(256),
      threads: positive,
      /** Layers on a GPU, where the libraries support one: all of them when left out. */
      gpuLayers: count.optional(),
      adapters: z.array(z.strictObject({ file: z.string(), scale: z.number() })),
    }),
    result: z.strictObject({
      engine: handle,
      vocabularySize: count,
      /** -1: the vocabulary has none. */
      bos: z.int(),
      eos: z.int(),
      addBos: z.boolean(),
      description: z.string(),
      parameters: count,
      trainedContext: count,
    }),
  },
  close: { params: z.strictObject({ engine: handle }), result: empty },
  tokenize: {
    params: z.strictObject({
      engine: handle,
      text: z.string(),
      addSpecial: z.boolean(),
      parseSpecial: z.boolean(),
    }),
    result: z.strictObject({ tokens }),
  },
  detokenize: {
    params: z.strictObject({ engine: handle, tokens, renderSpecial: z.boolean() }),
    result: z.strictObject({ text: z.string() }),
  },
  /** The most likely token every time, until the model ends its answer. */
  generate: {
    params: z.strictObject({
      engine: handle,
      prompts: z.array(prompt),
      maxNewTokens: positive,
      /** A text ends before the first of these. */
      stopStrings: z.array(z.string().min(1)).optional(),
      /** Show control tokens in the text. */
      renderSpecial: z.boolean().optional(),
    }),
    result: z.strictObject({ texts: z.array(generated) }),
  },
  perplexity: {
    params: z.strictObject({ engine: handle, source: windows }),
    result: z.strictObject({
      /** `nll`: Σ −ln p over the window's scored tokens, in nats. */
      windows: z.array(z.strictObject({ tokens: count, nll: z.number() })),
      windowsSha256: windowsDigest,
    }),
  },
  /** KL(baseline ‖ candidate) and what goes with it; both engines read the same windows side by side. */
  divergence: {
    params: z.strictObject({
      baseline: handle,
      candidate: handle,
      source: windows,
      keepPositions: z.boolean().optional(),
    }),
    result: z.strictObject({
      windows: z.array(divergenceWindow),
      windowsSha256: windowsDigest,
      /** Over all scored positions, in nats; percentiles interpolate linearly between ranks. */
      kld: z.strictObject({
        mean: z.number(),
        max: z.number(),
        p50: z.number(),
        p90: z.number(),
        p99: z.number(),
        p999: z.number(),
      }),
      /** Share of positions, 0…1. */
      top1: z.number(),
      rmsDelta: z.number(),
    }),
  },
  /** Raw times; all sequences of a repeat start together. Tokens are drawn from `seed`, so runs do equal work. */
  measure: {
    params: z.strictObject({
      engine: handle,
      inputTokens: positive,
      outputTokens: positive,
      /** At most the engine's `sequences`. */
      concurrency: positive,
      repeats: positive,
      /** Repeats that run first and are not reported. */
      warmup: count,
      seed: count,
    }),
    result: z.strictObject({
      /** `concurrency` of each repeat, in the order of the repeats. */
      requests: z.array(measuredRequest),
      /** Largest resident size of the child so far. */
      peakMemoryBytes: count,
    }),
  },
  /** The most likely next tokens after `tokens`. `notFinite` counts NaN and infinite logits of all positions. */
  logits: {
    params: z.strictObject({ engine: handle, tokens: tokens.min(1), topK: positive }),
    result: z.strictObject({
      top: z.array(z.strictObject({ id: count, logit: z.number() })),
      /** Null when the last position has a logit that is not finite. */
      logSumExp: z.number().nullable(),
      notFinite: count,
    }),
  },
} as const;

export type OperationName = keyof typeof operations;
export type Params<Op extends OperationName> = z.infer<(typeof operations)[Op]['params']>;
export type Result<Op extends OperationName> = z.infer<(typeof operations)[Op]['result']>;

export function isOperationName(name: string): name is OperationName {
  return Object.hasOwn(operations, name);
}

export const request = z.strictObject({ id: positive, op: z.string(), params: z.unknown() });

const failure = z.strictObject({
  /** A name of the failure table. */
  name: z.string(),
  message: z.string(),
  hint: z.string(),
  details: z.record(z.string(), z.unknown()),
});
export type FailureMessage = z.infer<typeof failure>;

export const reply = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('ready'), llamaCpp: z.string() }),
  /** The libraries cannot be used; the child ends. */
  z.strictObject({ event: z.literal('refused'), failure }),
  z.strictObject({
    event: z.literal('progress'),
    id: positive,
    fraction: z.number().min(0).max(1),
    note: z.string().optional(),
  }),
  z.strictObject({ event: z.literal('result'), id: positive, result: z.unknown() }),
  /** `id` is null when the request was not understood well enough to have one. */
  z.strictObject({ event: z.literal('error'), id: positive.nullable(), failure }),
]);
export type Reply = z.infer<typeof reply>;
