import { expect, it } from 'vitest';
import { defaultThreads } from '../../../../../system/toolchains/llama-cpp/default-threads.ts';

it.each([
  [1, 1],
  [2, 1],
  [3, 2],
  [4, 3],
  [64, 63],
])('of %i cores an engine takes %i', (cores, threads) => {
  expect(defaultThreads(cores)).toBe(threads);
});
