import { BuildFailure } from '../../domain/failures.ts';

/** Rows of an embedding that were trained one by one. */
export interface TrainedTokens {
  /** End of the module's name; absent for the model's input embedding. */
  readonly module: string | undefined;
  /** Row numbers in the order of the adapter's rows. */
  readonly rows: readonly number[];
}

/** `trainable_token_indices` of peft: a list of rows of the input embedding, or such lists by module. */
export function readTrainedTokens(value: unknown, file: string): TrainedTokens[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return [{ module: undefined, rows: readRows(value, file) }];
  if (typeof value !== 'object') throw invalid(file);
  return Object.entries(value).map(([module, rows]) => ({ module, rows: readRows(rows, file) }));
}

/** The rows trained for a module, or undefined when the config speaks of no such module. */
export function rowsFor(tokens: readonly TrainedTokens[], module: string): readonly number[] | undefined {
  const named = tokens.find(
    (entry) => entry.module !== undefined && (module === entry.module || module.endsWith(`.${entry.module}`)),
  );
  return (named ?? tokens.find((entry) => entry.module === undefined))?.rows;
}

function readRows(value: unknown, file: string): number[] {
  const list: unknown[] = Array.isArray(value) ? value : [undefined];
  const rows = list.filter(
    (row): row is number => typeof row === 'number' && Number.isSafeInteger(row) && row >= 0,
  );
  if (rows.length !== list.length || new Set(rows).size !== rows.length) throw invalid(file);
  return rows;
}

function invalid(file: string): BuildFailure {
  return new BuildFailure(
    'AdapterUnsupported',
    `${file} has trainable_token_indices that are no list of different row numbers`,
  );
}
