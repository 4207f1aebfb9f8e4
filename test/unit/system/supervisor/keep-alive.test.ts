import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { keepAlive, type Living } from '../../../../system/supervisor/keep-alive.ts';

/** Something that lives until it is told to die or stopped. */
class Mortal implements Living {
  readonly ended: Promise<string>;
  stops = 0;
  die: (reason: string) => void = () => undefined;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.die = resolve;
    });
  }

  async stop(): Promise<void> {
    this.stops += 1;
    this.die('was stopped');
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 500) throw new Error('it never became so');
    await sleep(10);
  }
}

it('starts again what ended unasked, and tells why', async () => {
  const made: Mortal[] = [];
  const reasons: string[] = [];
  const kept = await keepAlive({
    async start() {
      const mortal = new Mortal();
      made.push(mortal);
      return mortal;
    },
    onRestart: (reason) => reasons.push(reason),
  });
  made[0]?.die('fell over');
  await until(() => kept.current() === made[1]);

  expect(reasons).toEqual(['fell over']);
  await kept.stop();
  expect(made).toHaveLength(2);
  expect(made[1]?.stops).toBe(1);
});

it('waits longer each time it ends at once', async () => {
  const starts: number[] = [];
  const kept = await keepAlive({
    async start() {
      starts.push(performance.now());
      const mortal = new Mortal();
      if (starts.length < 4) mortal.die('at once');
      return mortal;
    },
    onRestart: () => undefined,
  });
  await until(() => starts.length === 4);
  await kept.stop();
  const delays = starts.slice(1).map((at, index) => at - (starts[index] ?? 0));

  expect(delays[0]).toBeGreaterThan(180);
  expect(delays[1]).toBeGreaterThan(380);
  expect(delays[2]).toBeGreaterThan(780);
});

it('keeps trying while starting fails', async () => {
  let starts = 0;
  const first = new Mortal();
  const kept = await keepAlive({
    async start() {
      starts += 1;
      if (starts === 1) return first;
      if (starts < 4) throw new Error('not yet');
      return new Mortal();
    },
    onRestart: () => undefined,
  });
  first.die('fell over');
  await until(() => kept.current() !== first);

  expect(starts).toBe(4);
  await kept.stop();
});

it('a first start that fails is the caller’s to handle', async () => {
  const never = keepAlive({ start: () => Promise.reject(new Error('no')), onRestart: () => undefined });

  await expect(never).rejects.toThrow('no');
});

it('stopped while it waits to start again, it starts nothing more', async () => {
  let starts = 0;
  const first = new Mortal();
  const kept = await keepAlive({
    async start() {
      starts += 1;
      return starts === 1 ? first : new Mortal();
    },
    onRestart: () => undefined,
  });
  first.die('fell over');
  await sleep(50);
  await kept.stop();
  await sleep(400);

  expect(starts).toBe(1);
});

it('stopped in the middle of starting again, it ends what was being started', async () => {
  const second = new Mortal();
  let starts = 0;
  const first = new Mortal();
  const kept = await keepAlive({
    async start() {
      starts += 1;
      if (starts === 1) return first;
      await sleep(200);
      return second;
    },
    onRestart: () => undefined,
  });
  first.die('fell over');
  await until(() => starts === 2);
  await kept.stop();

  expect(second.stops).toBe(1);
});
