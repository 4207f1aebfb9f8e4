import type {
  BenchmarkPoint,
  BenchmarkSamples,
  DivergenceScores,
  PerplexityScores,
  TrialTexts,
} from '../../../core/domain/measurement.ts';
import type { EffectScope } from '../../../core/domain/progress.ts';
import type { EngineToolchain, TextSource } from '../contract.ts';
import { openEngine, openSession, type LlamaSettings } from './open-session.ts';
import type { WindowSource } from './protocol.ts';

type Request<Name extends 'generate' | 'perplexity' | 'divergence' | 'measure'> = Parameters<
  EngineToolchain[Name]
>[0];

/** Every benchmark draws its tokens from this seed, so that engines do equal work. */
const benchmarkSeed = 1;

/** One sequence at a time: then a text depends on nothing but its prompt, however many prompts there are. */
export async function generate(
  settings: LlamaSettings,
  { engineFolder, prompts, maxNewTokens }: Request<'generate'>,
  scope: EffectScope,
): Promise<TrialTexts> {
  await using session = await openSession(settings, scope);
  const { engine } = await openEngine(session, { settings, folder: engineFolder, sequences: 1 });
  const { texts } = await session.request('generate', {
    engine,
    prompts: prompts.map(({ id, text }) => ({ id, text })),
    maxNewTokens,
  });
  const byId = new Map(texts.map(({ id, text }) => [id, text]));
  return { texts: prompts.map(({ id, text }) => ({ id, prompt: text, text: byId.get(id) ?? '' })) };
}

export async function perplexity(
  settings: LlamaSettings,
  { engineFolder, source, plan }: Request<'perplexity'>,
  scope: EffectScope,
): Promise<PerplexityScores> {
  await using session = await openSession(settings, scope);
  const { engine } = await openEngine(session, {
    settings,
    folder: engineFolder,
    sequences: 1,
    ...contextFor(source, plan.window),
  });
  const { windows, windowsSha256 } = await session.request('perplexity', {
    engine,
    source: windowsOf(source, plan),
  });
  return { protocol: protocolOf(plan.window, windowsSha256), windows };
}

export async function divergence(
  settings: LlamaSettings,
  request: Request<'divergence'>,
  scope: EffectScope,
): Promise<DivergenceScores> {
  const { engineFolder, baselineFolder, source, plan } = request;
  await using session = await openSession(settings, scope);
  const options = { settings, sequences: 1, ...contextFor(source, plan.window) };
  const { engine: candidate } = await openEngine(session, { ...options, folder: engineFolder });
  const { engine: baseline } = await openEngine(session, { ...options, folder: baselineFolder });
  const compared = await session.request('divergence', {
    baseline,
    candidate,
    source: windowsOf(source, plan),
    keepPositions: true,
  });
  return {
    protocol: protocolOf(plan.window, compared.windowsSha256),
    support: 'full',
    windows: compared.windows.map(({ tokens, kldSum, top1Matches, kld }) => ({
      tokens,
      kldSum,
      top1Matches,
      // Six digits are far below what a rounding of the weights moves, and a tenth of the bytes.
      ...(kld === undefined ? {} : { kld: kld.map((value) => Number(value.toPrecision(6))) }),
    })),
  };
}

export async function measure(
  settings: LlamaSettings,
  { engineFolder, plan }: Request<'measure'>,
  scope: EffectScope,
): Promise<BenchmarkSamples> {
  const { inputTokens, outputTokens, repeats } = plan;
  const points: BenchmarkPoint[] = [];
  let peakMemoryBytes = 0;
  await using session = await openSession(settings, scope);
  for (const [index, concurrency] of plan.concurrency.entries()) {
    const contextTokens = inputTokens + outputTokens;
    const { engine } = await openEngine(session, {
      settings,
      folder: engineFolder,
      sequences: concurrency,
      contextTokens,
    });
    const workload = {
      engine,
      inputTokens,
      outputTokens,
      concurrency,
      repeats,
      warmup: 1,
      seed: benchmarkSeed,
    };
    const measured = await session.request('measure', workload, ({ fraction }) =>
      scope.onProgress({
        fraction: (index + fraction) / plan.concurrency.length,
        note: `concurrency ${concurrency}`,
      }),
    );
    await session.request('close', { engine });
    points.push({ concurrency, requests: measured.requests });
    peakMemoryBytes = Math.max(peakMemoryBytes, measured.peakMemoryBytes);
  }
  return { workload: { inputTokens, outputTokens }, points, peakMemoryBytes };
}

/** Texts are as long as they are: the engine's own context is their bound. */
function contextFor(source: TextSource, window: number): { readonly contextTokens?: number } {
  return source.kind === 'text' ? { contextTokens: window } : {};
}

function windowsOf(
  source: TextSource,
  { window, windows }: { readonly window: number; readonly windows: number },
): WindowSource {
  if (source.kind === 'texts') return { kind: 'texts', texts: source.texts.slice(0, windows) };
  return { kind: 'text', text: source.text, window, maxWindows: windows };
}

function protocolOf(window: number, textDigest: string): PerplexityScores['protocol'] {
  return { window, stride: window, textDigest };
}
