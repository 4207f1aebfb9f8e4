import type { Engine } from '../engine.ts';
import type { LlamaLibrary } from '../bind-library.ts';
import type { OperationName, Params, Result } from '../protocol.ts';

/** What the child shares between its operations. */
export interface ChildState {
  readonly library: LlamaLibrary;
  readonly engines: Map<number, Engine>;
  /** Half-written files; removed when the child is told to end. */
  readonly partialFiles: Set<string>;
}

export type ReportProgress = (fraction: number, note?: string) => void;

export type Operation<Op extends OperationName> = (
  state: ChildState,
  params: Params<Op>,
  report: ReportProgress,
) => Promise<Result<Op>> | Result<Op>;
