import { defineConfig } from 'vitest/config';

const project = (name: string, testTimeout: number) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: 2 * testTimeout },
});

export default defineConfig({
  test: {
    // Temporal's native bridge segfaults in worker threads.
    pool: 'forks',
    // Two cores: engine tests measure and stream, more processes only make them queue.
    maxWorkers: 2,
    server: { deps: { external: [/@temporalio/] } },
    projects: [
      project('unit', 30_000),
      project('conformity', 120_000),
      project('property', 120_000),
      project('replay', 120_000),
      project('e2e', 300_000),
    ],
  },
});
