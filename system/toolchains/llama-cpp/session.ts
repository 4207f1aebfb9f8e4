import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { BuildFailure, isFailureName } from '../../../core/domain/failures.ts';
import type { EffectScope, Progress } from '../../../core/domain/progress.ts';
import { describeExit } from '../../process/describe-exit.ts';
import { endGroup } from '../../process/end-group.ts';
import { LineTail } from '../../process/tail.ts';
import { LogMarks } from './log-mark.ts';
import {
  type FailureMessage,
  operations,
  type OperationName,
  type Params,
  reply,
  type Reply,
  type Result,
} from './protocol.ts';
import { type ChildOptions, type LlamaChild, startChild } from './start-child.ts';

/** How long a child may take between SIGTERM and SIGKILL, and to end by itself when closed. Milliseconds. */
const graceMs = 3_000;

export interface LlamaSessionOptions extends ChildOptions {
  /** llama.cpp's log is appended here. */
  readonly logFile?: string | undefined;
}

interface Pending {
  readonly op: OperationName;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onProgress: (progress: Progress) => void;
}

/**
 * Starts llama.cpp in a child process and waits until it has proven to be the pinned version. Aborting the scope's
 * signal ends the child's process group, in the middle of an operation too, and rejects what is under way with the
 * signal's reason. Throws ToolchainMissing, ToolchainMismatch, ToolCrashed.
 */
export async function startLlamaSession(
  options: LlamaSessionOptions,
  scope: EffectScope,
): Promise<LlamaSession> {
  scope.signal.throwIfAborted();
  const session = new LlamaSession(options, scope);
  await session.ready;
  return session;
}

/** A running child. Requests are answered in order. Lives until close(), an abort, or its death. */
export class LlamaSession implements AsyncDisposable {
  readonly ready: Promise<void>;
  readonly #scope: EffectScope;
  readonly #child: LlamaChild;
  readonly #log: WriteStream | undefined;
  readonly #stderr = new LineTail();
  readonly #marks = new LogMarks();
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<void>;
  readonly #onAbort: () => void;
  #markReady: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  #lastId = 0;
  #closing = false;
  #ending: Promise<void> = Promise.resolve();
  /** Set once the child has ended for whatever reason. */
  #crashed: BuildFailure | undefined;

  constructor(options: LlamaSessionOptions, scope: EffectScope) {
    this.#scope = scope;
    this.#child = startChild(options);
    this.#log = options.logFile === undefined ? undefined : openLog(options.logFile);
    this.ready = new Promise((resolve, reject) => {
      this.#markReady = { resolve, reject };
    });
    // Whoever awaits `ready` or a request hears of the failure; nobody else needs to.
    this.ready.catch(() => {});
    this.#onAbort = () => {
      this.#ending = this.#kill();
    };
    scope.signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#listen();
    this.#ended = this.#watch();
  }

  /** Process id of the child, which leads its process group. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Runs one operation of the protocol. Progress goes to `onProgress`, by default to the session's scope. */
  async request<Op extends OperationName>(
    op: Op,
    params: Params<Op>,
    onProgress: (progress: Progress) => void = this.#scope.onProgress,
  ): Promise<Result<Op>> {
    this.#scope.signal.throwIfAborted();
    if (this.#closing) throw new BuildFailure('InternalError', 'the llama.cpp session is closed');
    if (this.#crashed !== undefined) throw this.#crashed;
    const id = ++this.#lastId;
    const result = await new Promise((resolve, reject) => {
      this.#pending.set(id, { op, resolve, reject, onProgress });
      this.#child.stdin.write(`${JSON.stringify({ id, op, params })}\n`);
    });
    // Each operation's schema infers Result<Op>; TypeScript cannot follow the pair through the index.
    return operations[op].result.parse(result) as Result<Op>;
  }

  /** Lets the child end by itself, or ends its group if it does not. Requests under way are rejected. */
  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#child.stdin.end();
    }
    const inTime = await Promise.race([this.#ended.then(() => true), sleep(graceMs, false, { ref: false })]);
    if (!inTime) await this.#kill();
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #kill(): Promise<void> {
    if (this.#child.pid !== undefined) await endGroup(this.#child.pid, graceMs);
  }

  #listen(): void {
    // A child that died takes no more requests; its exit tells why.
    this.#child.stdin.on('error', () => {});
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#hear(line));
    createInterface({ input: this.#child.stderr })
      .on('line', (line) => this.#marks.take(line) || this.#note(line))
      .on('close', () => this.#marks.end());
  }

  #note(line: string): void {
    this.#stderr.push(`${line}\n`);
    this.#log?.write(`${line}\n`);
  }

  #hear(line: string): void {
    const message = readReply(line);
    // A library that prints to stdout must not confuse the conversation.
    if (message === undefined) return this.#note(line);
    if (message.event === 'ready') return this.#markReady?.resolve();
    if (message.event === 'refused') return this.#markReady?.reject(this.#asFailure(message.failure));
    this.#answer(message);
  }

  #answer(message: Exclude<Reply, { event: 'ready' | 'refused' }>): void {
    const pending = this.#pending.get(message.id ?? 0);
    if (pending === undefined) return;
    if (message.event === 'progress') return pending.onProgress(asProgress(message));
    this.#pending.delete(message.id ?? 0);
    if (message.event === 'result') return pending.resolve(message.result);
    const { failure, id } = message;
    void this.#marks.wait(id ?? 0).then(() => pending.reject(this.#asFailure(failure)));
  }

  #asFailure({ name, message, hint, details }: FailureMessage): BuildFailure {
    const known = isFailureName(name) ? name : 'InternalError';
    return new BuildFailure(known, message, { hint, details: { ...details, tail: this.#stderr.text } });
  }

  async #watch(): Promise<void> {
    const { exitCode, signal } = await this.#child;
    this.#scope.signal.removeEventListener('abort', this.#onAbort);
    // A grandchild, or a pipe's last lines, may outlive the child by a moment.
    await this.#ending;
    this.#crashed = this.#describeCrash(describeExit(exitCode, signal));
    const reason: unknown = this.#scope.signal.aborted ? this.#scope.signal.reason : this.#crashed;
    this.#markReady?.reject(reason);
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
    await new Promise<void>((resolve) => {
      if (this.#log === undefined || this.#log.destroyed) resolve();
      else this.#log.end(resolve);
    });
  }

  #describeCrash(how: string): BuildFailure {
    const doing = [...this.#pending.values()][0]?.op;
    const last = this.#stderr.text.trim().split('\n').at(-1) ?? '';
    const during = doing === undefined ? '' : ` during ${doing}`;
    return new BuildFailure('ToolCrashed', `llama.cpp ${how}${during}${last === '' ? '' : `: ${last}`}`, {
      details: { tail: this.#stderr.text },
    });
  }
}

function asProgress({ fraction, note }: { fraction: number; note?: string | undefined }): Progress {
  return note === undefined ? { fraction } : { fraction, note };
}

function readReply(line: string): Reply | undefined {
  try {
    return reply.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function openLog(path: string): WriteStream {
  mkdirSync(dirname(path), { recursive: true });
  // A log that cannot be written is a loss, but no reason to end a build.
  return createWriteStream(path, { flags: 'a' }).on('error', () => {});
}
