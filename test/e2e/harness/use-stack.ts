import { afterAll, beforeAll } from 'vitest';
import type { CliOptions } from './cli.ts';
import { makePlace, type Place } from './place.ts';
import { type RunningStack, startUp } from './stack.ts';

/** What the tests of a file share: a place, a running stack that serves its hub, and how to call the command line there. */
export interface Scene {
  readonly place: Place;
  readonly stack: RunningStack;
  readonly options: CliOptions;
}

export interface SceneSettings {
  /** Arguments of `up`; `--hub` with the place's hub unless told. */
  readonly up?: readonly string[];
  /** For `up` alone. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Hands the scene to `take` before the first test of the file or block, and clears it away behind the last one. */
export function useStack(take: (scene: Scene) => void, { up, env }: SceneSettings = {}): void {
  const ends: AsyncDisposable[] = [];
  beforeAll(async () => {
    const place = await makePlace();
    ends.unshift(place);
    const options = { home: place.home, cwd: place.folder };
    const stack = await startUp(up ?? ['--hub', place.hub], {
      ...options,
      ...(env === undefined ? {} : { env }),
    });
    ends.unshift(stack);
    take({ place, stack, options });
  });
  afterAll(async () => {
    for (const end of ends) await end[Symbol.asyncDispose]();
  });
}
