/** koffi gives addresses as bigint and NULL as null. */
export type Pointer = bigint | null;
/** A struct by value: every field of the pinned layout. */
export type StructValue = Record<string, unknown>;

/** A C function; `async` runs it on a thread of koffi's, so that the event loop stays free. */
export interface NativeCall<Arguments extends unknown[], Result> {
  (...args: Arguments): Result;
  readonly async: (...args: [...Arguments, (error: Error | null, result: Result) => void]) => unknown;
}

export function callAsync<Arguments extends unknown[], Result>(
  call: NativeCall<Arguments, Result>,
  ...args: Arguments
): Promise<Result> {
  return new Promise((resolve, reject) => {
    call.async(...args, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}
