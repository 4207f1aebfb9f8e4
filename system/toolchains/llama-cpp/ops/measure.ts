import { BuildFailure } from '../../../../core/domain/failures.ts';
import { writeTexts, type Writer } from '../continuous-batching.ts';
import type { Engine } from '../engine.ts';
import type { MeasuredRequest, Params } from '../protocol.ts';
import { findEngine } from './find-engine.ts';
import type { Operation } from './operation.ts';

/** Raw times of equal requests that start together, repeat after repeat; an end token does not end a request. */
export const measure: Operation<'measure'> = async (state, params, report) => {
  const engine = findEngine(state, params.engine);
  checkWorkload(engine, params);
  const random = createRandom(params.seed);
  const requests: MeasuredRequest[] = [];
  const rounds = params.warmup + params.repeats;
  const clockStart = performance.now();
  for (let round = 0; round < rounds; round++) {
    const sent = performance.now() - clockStart;
    const timed = Array.from({ length: params.concurrency }, () => createTimedWriter(engine, params, random));
    await writeTexts(
      engine,
      timed.map(({ writer }) => writer),
      params.concurrency,
    );
    if (round >= params.warmup) {
      requests.push(...timed.map(({ times }) => describeRequest(times, { sent, clockStart, params })));
    }
    report((round + 1) / rounds, `${round + 1} of ${rounds} repeats`);
  }
  // ru_maxrss is in KiB on Linux, getrusage(2).
  return { requests, peakMemoryBytes: process.resourceUsage().maxRSS * 1024 };
};

function createTimedWriter(engine: Engine, params: Params<'measure'>, random: () => number) {
  const times: number[] = [];
  const prompt = Array.from({ length: params.inputTokens }, () =>
    Math.floor(random() * engine.vocabularySize),
  );
  const take = (): boolean => times.push(performance.now()) < params.outputTokens;
  const writer: Writer = { prompt, take };
  return { times, writer };
}

function describeRequest(
  times: readonly number[],
  { sent, clockStart, params }: { sent: number; clockStart: number; params: Params<'measure'> },
): MeasuredRequest {
  return {
    sentMs: sent,
    firstTokenMs: (times[0] ?? Number.NaN) - clockStart,
    lastTokenMs: (times.at(-1) ?? Number.NaN) - clockStart,
    inputTokens: params.inputTokens,
    outputTokens: times.length,
    gapsMs: times.slice(1).map((time, index) => time - (times[index] ?? Number.NaN)),
  };
}

function checkWorkload(engine: Engine, { inputTokens, outputTokens, concurrency }: Params<'measure'>): void {
  if (concurrency > engine.sequences) {
    throw new BuildFailure(
      'ToolFailed',
      `the engine was opened for ${engine.sequences} sequences, not ${concurrency}`,
    );
  }
  if (inputTokens + outputTokens > engine.contextTokens) {
    throw new BuildFailure(
      'ToolFailed',
      `${inputTokens} + ${outputTokens} tokens exceed the context of ${engine.contextTokens}`,
    );
  }
}

/** Numerical Recipes' linear congruential generator modulo 2³²: equal work for equal seeds, nothing more. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
