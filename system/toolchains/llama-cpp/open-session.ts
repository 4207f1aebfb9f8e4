import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { EffectScope } from '../../../core/domain/progress.ts';
import { defaultThreads } from './default-threads.ts';
import { readEngineCard } from './engine-folder.ts';
import type { Result } from './protocol.ts';
import { startLlamaSession, type LlamaSession } from './session.ts';

export interface LlamaSettings {
  readonly llamaLibraries: string | null;
  readonly threads: number | null;
  readonly home: string;
}

/** Starts the child with this host's settings. */
export function openSession(settings: LlamaSettings, scope: EffectScope): Promise<LlamaSession> {
  const libraryFolder = settings.llamaLibraries ?? undefined;
  return startLlamaSession({ libraryFolder, logFile: join(settings.home, 'logs', 'llama-cpp.log') }, scope);
}

export function threadsOf({ threads }: LlamaSettings): number {
  return threads ?? defaultThreads(availableParallelism());
}

export interface OpenEngineOptions {
  readonly settings: LlamaSettings;
  readonly folder: string;
  /** Sequences decoded together. */
  readonly sequences: number;
  /** At least this much context for each sequence; the engine's own when left out. */
  readonly contextTokens?: number;
}

/** Opens an engine folder with its run-time adapters. */
export async function openEngine(session: LlamaSession, options: OpenEngineOptions): Promise<Result<'open'>> {
  const { folder, sequences, settings } = options;
  const card = await readEngineCard(folder);
  return session.request('open', {
    file: join(folder, card.file),
    contextTokens: options.contextTokens ?? card.contextTokens,
    sequences,
    threads: threadsOf(settings),
    adapters: card.adapters.map(({ file, scale }) => ({ file: join(folder, file), scale })),
  });
}
