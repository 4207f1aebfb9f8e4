import { rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import koffi from 'koffi';
import { BuildFailure } from '../../../../core/domain/failures.ts';
import { syncFile, syncFolder } from '../../../files/atomic-write.ts';
import { LineTail } from '../../../process/tail.ts';
import type { LlamaLibrary } from '../bind-library.ts';
import { callAsync } from '../native-call.ts';
import type { Params } from '../protocol.ts';
import type { Operation, ReportProgress } from './operation.ts';

/** llama.cpp writes under a temporary name; the file gets its own once it is complete and on the disk. */
export const quantize: Operation<'quantize'> = async (state, params, report) => {
  const started = performance.now();
  const partial = `${params.to}.partial`;
  state.partialFiles.add(partial);
  try {
    await quantizeTo(state.library, { ...params, to: partial }, report);
    await syncFile(partial);
    await rename(partial, params.to);
    await syncFolder(dirname(params.to));
  } finally {
    await rm(partial, { force: true });
    state.partialFiles.delete(partial);
  }
  const { size } = await stat(params.to);
  return { bytes: size, milliseconds: performance.now() - started };
};

async function quantizeTo(
  library: LlamaLibrary,
  params: Params<'quantize'>,
  report: ReportProgress,
): Promise<void> {
  using log = listenToLog(library, (line) => reportTensor(line, report));
  const code = await callAsync(library.quantize, params.from, params.to, {
    ...library.quantizeDefaults(),
    ftype: params.ftype,
    nthread: params.threads,
    pure: params.pure ?? false,
    allow_requantize: params.requantize ?? false,
  });
  if (code === 0) return;
  throw new BuildFailure('ToolFailed', `llama.cpp cannot quantize ${params.from}: ${log.lastLine()}`, {
    details: { ftype: params.ftype, code },
  });
}

/** llama_model_quantize writes one line for each tensor: `[  12/  57]  blk.1.attn_q.weight - …`. */
function reportTensor(line: string, report: ReportProgress): void {
  const match = /^\[\s*(\d+)\/\s*(\d+)\]\s+(\S+)/.exec(line);
  if (match === null) return;
  const [, index = '0', total = '1', tensor = ''] = match;
  report(Math.min(1, Number(index) / Number(total)), tensor);
}

/**
 * Passes llama.cpp's log on to stderr and to `onLine`. Only for calls that run on another thread: the callback needs
 * the event loop. Otherwise llama.cpp writes to stderr by itself, which survives a crash.
 */
function listenToLog(
  library: LlamaLibrary,
  onLine: (line: string) => void,
): Disposable & { lastLine(): string } {
  const lines = new LineTail(1);
  // A line is reported as soon as its tensor is named: its end comes only after the tensor was converted.
  const callback = koffi.register(
    (_level: number, text: string) => {
      process.stderr.write(text);
      lines.push(text);
      onLine(text);
    },
    koffi.pointer(koffi.proto('void (int level, const char *text, void *user_data)')),
  );
  library.setLog(callback, null);
  return {
    lastLine: () => lines.text.trim(),
    [Symbol.dispose]() {
      library.setLog(null, null);
      koffi.unregister(callback);
    },
  };
}
