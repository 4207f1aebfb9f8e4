import { describe, expect, it } from 'vitest';
import { defineCommand, type Context } from '../../../cli/define-command.ts';
import { createPrinter } from '../../../cli/output/printer.ts';
import { readEnvironment } from '../../../config/environment.ts';

const context: Context = {
  environment: readEnvironment({}),
  home: '/nowhere',
  signal: new AbortController().signal,
  print: createPrinter({ json: false, color: false }),
};

let given: unknown;
const bake = defineCommand({
  name: 'bake',
  summary: 'Bake a cake.',
  positionals: 'FLOUR EGGS [SUGAR]',
  options: {
    oven: { type: 'string', value: 'DEGREES', description: 'How hot.' },
    fruit: { type: 'string', multiple: true, description: 'What on top.' },
    vegan: { type: 'boolean', description: 'Without eggs.' },
  },
  async run({ options, positionals }) {
    given = { options, positionals };
    return options.vegan ? 3 : undefined;
  },
});

const call = (...args: string[]): Promise<number> => bake.run(args, context);

describe('a verb', () => {
  it('is given its words and flags, all of them filled', async () => {
    expect(await call('a', 'b', '--oven', '200', '--fruit', 'fig', '--fruit=kiwi', 'c')).toBe(0);
    expect(given).toMatchObject({
      options: { oven: '200', fruit: ['fig', 'kiwi'], vegan: false, json: false },
      positionals: ['a', 'b', 'c'],
    });

    await call('a', 'b');
    expect(given).toMatchObject({
      options: { oven: undefined, fruit: [], vegan: false },
      positionals: ['a', 'b'],
    });
  });

  it('tells its exit code, 0 without one', async () => {
    expect(await call('a', 'b')).toBe(0);
    expect(await call('a', 'b', '--vegan')).toBe(3);
  });

  it('takes what follows -- as words', async () => {
    await call('--', '--vegan', 'b');

    expect(given).toMatchObject({ options: { vegan: false }, positionals: ['--vegan', 'b'] });
  });

  it.each([
    [['a', 'b', '--ovn', '2'], 'unknown flag --ovn: did you mean --oven?'],
    [['a', 'b', '--jsn'], 'unknown flag --jsn: did you mean --json?'],
    [['a', 'b', '--zzzzzzzz'], 'unknown flag --zzzzzzzz'],
    [['a', 'b', '-x'], 'unknown flag'],
    [['a', 'b', '--oven'], "'--oven"],
    [['a', 'b', '--vegan=yes'], "'--vegan"],
    [[], 'bake needs FLOUR and EGGS'],
    [['a'], 'bake needs EGGS'],
    [['a', 'b', 'c', 'd'], "bake does not know what to do with 'd'"],
  ])('called with %j is refused: %s', async (args, message) => {
    given = 'nothing';

    await expect(call(...args)).rejects.toMatchObject({
      name: 'UsageInvalid',
      message: expect.stringContaining(message),
    });
    expect(given).toBe('nothing');
  });
});
