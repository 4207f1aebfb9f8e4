import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { groupIsAlive } from '../../../system/process/end-group.ts';
import { type LlamaSession, startLlamaSession } from '../../../system/toolchains/llama-cpp/session.ts';
import { startChild } from '../../../system/toolchains/llama-cpp/start-child.ts';
import {
  createScope,
  f16,
  folder,
  logFile,
  openParams,
  session,
  useLlamaSession,
  validTexts,
} from '../../fixtures/llama-session.ts';

useLlamaSession();

describe('the child process', () => {
  it('refuses an operation the protocol does not have, and goes on', async () => {
    // @ts-expect-error there is no such operation
    await expect(session.request('format-disk', {})).rejects.toMatchObject({
      name: 'InternalError',
      message: expect.stringContaining("'format-disk'"),
    });
    await expect(session.request('inspect', { file: f16 })).resolves.toMatchObject({ tensors: 57 });
  });

  it('refuses parameters the protocol does not have', async () => {
    // @ts-expect-error there is no such parameter
    await expect(session.request('inspect', { file: f16, colour: 'red' })).rejects.toThrow(/inspect/);
  });

  it('names a file that llama.cpp cannot load', async () => {
    await expect(session.request('open', openParams(join(folder, 'absent.gguf')))).rejects.toMatchObject({
      name: 'ToolFailed',
      details: { tail: expect.stringContaining('absent.gguf') },
    });
  });

  it('writes the log of llama.cpp to the file', async () => {
    await expect.poll(() => readFileSync(logFile, 'utf8')).toContain('llama_model_loader');
  });

  it('takes only itself down when it is killed in the middle of an operation', async () => {
    const doomed = await startLlamaSession({}, createScope());
    const work = perplexityOf(doomed);
    await work.started;

    process.kill(doomed.pid ?? 0, 'SIGKILL');

    await expect(work.done).rejects.toMatchObject({
      name: 'ToolCrashed',
      message: expect.stringMatching(/killed \(SIGKILL; .*during perplexity/),
      details: { tail: expect.stringMatching(/\S/) },
    });
    await expect(doomed.request('identity', {})).rejects.toMatchObject({ name: 'ToolCrashed' });
    await doomed.close();
  });

  it('is gone with its process group when the run is cancelled, and the reason is passed on untouched', async () => {
    const controller = new AbortController();
    const cancelled = await startLlamaSession({}, createScope(controller.signal));
    const group = cancelled.pid ?? 0;
    const work = perplexityOf(cancelled);
    await work.started;
    const reason = new Error('the user said stop');

    controller.abort(reason);

    await expect(work.done).rejects.toBe(reason);
    await expect(cancelled.request('identity', {})).rejects.toBe(reason);
    expect(await groupIsAlive(group)).toBe(false);
    await cancelled.close();
  });

  it('ends when its parent is gone, also in the middle of an operation', async () => {
    const child = startChild({});
    await once(child.stdout, 'data');
    const requests = [
      { id: 1, op: 'open', params: openParams(f16) },
      { id: 2, op: 'perplexity', params: { engine: 1, source: { kind: 'texts', texts: validTexts } } },
    ];
    for (const request of requests) child.stdin.write(`${JSON.stringify(request)}\n`);
    await once(child.stdout, 'data');
    child.stderr.resume();
    child.stdout.resume();

    child.stdin.end();

    expect((await child).signal).toBe('SIGTERM');
  });

  it('ends in peace when it is closed', async () => {
    const idle = await startLlamaSession({}, createScope());
    const group = idle.pid ?? 0;

    await idle.close();

    expect(await groupIsAlive(group)).toBe(false);
    await expect(idle.request('identity', {})).rejects.toThrow(/closed/);
  });
});

/** A perplexity that takes long enough to be interrupted. */
function perplexityOf(of: LlamaSession): { started: Promise<void>; done: Promise<unknown> } {
  let markStarted = (): void => {};
  const started = new Promise<void>((resolve) => {
    markStarted = resolve;
  });
  const score = async (): Promise<unknown> => {
    const { engine } = await of.request('open', openParams(f16));
    const source = { kind: 'texts', texts: validTexts } as const;
    return of.request('perplexity', { engine, source }, markStarted);
  };
  const done = score();
  done.catch(() => {});
  return { started, done };
}
