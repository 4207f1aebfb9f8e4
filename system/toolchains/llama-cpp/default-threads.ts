/** One core stays free: with as many threads as busy cores llama.cpp's spinning workers wait for each other. */
export function defaultThreads(cores: number): number {
  return Math.max(1, cores - 1);
}
