import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../../cli/commands.ts';
import { renderCommandHelp } from '../../../cli/output/help.ts';
import { callCli } from '../../fixtures/call-cli.ts';

let home = '';

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'enginewright-cli-'));
});

afterAll(() => rm(home, { recursive: true, force: true }));

describe('help', () => {
  it.each([[[]], [['help']]])('is shown for %j', async (args) => {
    const { code, stdout, stderr } = await callCli(args);

    expect([code, stderr]).toEqual([0, '']);
    await expect(stdout).toMatchFileSnapshot('help/all.txt');
  });

  it.each(commands.map((command) => [command.name, command] as const))(
    'of %s is as it was',
    async (name, command) => {
      await expect(`${renderCommandHelp(command)}\n`).toMatchFileSnapshot(`help/${name}.txt`);
    },
  );

  it('of a verb is shown instead of running it', async () => {
    const { code, stdout } = await callCli(['convert', '--help', '--nonsense']);

    expect(code).toBe(0);
    await expect(stdout).toMatchFileSnapshot('help/convert.txt');
  });
});

describe('what cannot be done', () => {
  it('is told on stderr by name, sentence and advice, and nothing on stdout', async () => {
    const answer = await callCli(['inspect', '/nowhere', '--home', home]);

    expect(answer).toEqual({
      code: 66,
      stdout: '',
      stderr:
        'WeightsMissing: there is nothing at /nowhere\n  Point at a folder with safetensors or bin files.\n',
    });
  });

  it.each([
    [['comprae', 'a', 'b'], 64, 'UsageInvalid', "there is no verb 'comprae': did you mean compare?"],
    [['compare', 'a', 'b', '--jso'], 64, 'UsageInvalid', 'unknown flag --jso: did you mean --json?'],
    [['compare', 'a'], 64, 'UsageInvalid', 'compare needs B'],
    [['plan', '/nowhere.yaml'], 66, 'RecipeMissing', '/nowhere.yaml cannot be read (ENOENT)'],
    [['runs'], 69, 'ServerUnreachable', 'nothing runs in'],
    [
      ['runs', '--address', '127.0.0.1:1'],
      69,
      'ServerUnreachable',
      'no Temporal server answers at 127.0.0.1:1',
    ],
    [['history', '../x'], 64, 'UsageInvalid', 'is no alias'],
    [['promote', 'prod', 'beef'], 64, 'UsageInvalid', "'beef' is no digest"],
    [['promote', 'prod', 'b'.repeat(64)], 66, 'ArtifactMissing', 'the store has no artifact'],
    [['generate', 'nowhere', '--prompt', 'x'], 66, 'ArtifactMissing', "'nowhere' is no folder"],
    [['worker', '--role', 'x'], 64, 'UsageInvalid', '--role is one of'],
    [['up', '--port', '99999'], 64, 'UsageInvalid', '--port must be a whole number'],
  ])('%j is told as JSON too, with its exit code', async (args, code, name, message) => {
    const answer = await callCli([...args, '--json', '--home', home], { TEMPORAL_ADDRESS: '' });

    expect(JSON.parse(answer.stdout)).toEqual({
      error: { name, message: expect.stringContaining(message), hint: expect.any(String) },
    });
    expect(answer.code).toBe(code);
  });

  it('in a recipe is told with file, line and column, all of it', async () => {
    const file = join(home, 'recipe.yaml');
    await writeFile(
      file,
      'name: a\nmodel: { sorce: hf:o/n }\nbaseline: f16\nvariants: { f16: { quantization: { method: nun } } }\n',
    );

    const { code, stderr } = await callCli(['plan', file, '--home', home]);

    expect(code).toBe(65);
    expect(stderr).toContain("recipe.yaml:2:10: unknown key 'sorce': did you mean 'source'?");
    expect(stderr).toContain('recipe.yaml:4:36:');
  });

  it('for a wrong variable names the variable', async () => {
    const { code, stderr } = await callCli(['history'], { ENGINEWRIGHT_THREADS: 'many' });

    expect(code).toBe(64);
    expect(stderr).toContain('ENGINEWRIGHT_THREADS');
  });
});

describe('output on a pipe', () => {
  it('has no control sequences and no progress, even where colors are asked for', async () => {
    const answers = await Promise.all([
      callCli(['help'], { FORCE_COLOR: '1' }),
      callCli(['history', '--home', home], { FORCE_COLOR: '1' }),
      callCli(['nonsense'], { FORCE_COLOR: '1' }),
    ]);

    for (const { stdout, stderr } of answers) expect(`${stdout}${stderr}`).not.toContain('\u001B');
  });
});

describe('--home', () => {
  it.each([
    ['--home DIR', (dir: string) => ['--home', dir]],
    ['--home=DIR, with = in its name', (dir: string) => [`--home=${dir}`]],
  ])('%s is where the store is', async (_, flags) => {
    const dir = join(home, 'a=b', 'c');
    const { code, stdout } = await callCli(['doctor', '--json', ...flags(dir)]);

    expect([0, 69]).toContain(code);
    expect(stdout).toContain(join('a=b', 'c'));
    await expect(stat(join(home, 'a'))).rejects.toThrow('ENOENT');
  });

  it('may come from the environment', async () => {
    const { stdout } = await callCli(['runs', '--json'], {
      ENGINEWRIGHT_HOME: join(home, 'from-env'),
      TEMPORAL_ADDRESS: '',
    });

    expect(stdout).toContain('from-env');
  });
});
