import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callCli } from '../../fixtures/call-cli.ts';
import { writeFormulaModel } from '../../fixtures/weights/formula-model.ts';

let work = '';
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'enginewright-quantize-'));
  await writeFormulaModel(join(work, 'model'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

describe('quantize MODEL OUT', () => {
  it('shows the ten linears that lost most and the sizes', async () => {
    const flags = ['--scheme', 'int4', '--group', '32'];
    const { code, stdout } = await callCli(['quantize', join(work, 'model'), join(work, 'int4'), ...flags]);

    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^Worst linears +relative error +largest +cosine +SQNR$/);
    expect(lines.filter((line) => /^model\.layers\.\d\..*_proj .* dB$/.test(line))).toHaveLength(10);
    expect(stdout).toMatch(/14 linears, 1\.21 MB → 220 kB \(5\.53 times smaller\)/);
    expect(await readdir(join(work, 'int4'))).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
    ]);
  });

  it('prints the whole report as JSON', async () => {
    const flags = [
      '--scheme',
      'int4',
      '--group',
      '64',
      '--asymmetric',
      '--layout',
      'awq',
      '--exclude',
      'down_proj',
    ];
    const { code, stdout } = await callCli([
      'quantize',
      join(work, 'model'),
      join(work, 'awq'),
      '--json',
      ...flags,
    ]);

    expect(code).toBe(0);
    const report = JSON.parse(stdout) as { worst: unknown[] };
    expect(report).toMatchObject({
      linears: 12,
      kept: ['lm_head', 'model.layers.0.mlp.down_proj', 'model.layers.1.mlp.down_proj'],
      scheme: { layout: 'awq', activations: 'none', grid: { bits: 4, group: 64, symmetric: false } },
      files: [{ path: 'model.safetensors' }],
    });
    expect(report.worst).toHaveLength(12);
  });

  it.each([
    [['--scheme', 'int3'], 64, 'UsageInvalid'],
    [['--scheme', 'int4', '--scale-dtype', 'float23'], 64, 'UsageInvalid'],
    [['--scheme', 'int4', '--exclude', 'nothing'], 64, 'UsageInvalid'],
    [['--scheme', 'int4', '--group', '96'], 65, 'QuantizationUnfit'],
  ])('%j fails with %d', async (flags, exit, name) => {
    const { code, stdout } = await callCli([
      'quantize',
      join(work, 'model'),
      join(work, 'no'),
      ...flags,
      '--json',
    ]);

    expect(code).toBe(exit);
    expect(JSON.parse(stdout)).toMatchObject({ error: { name } });
    expect(await readdir(work)).not.toContain('no');
  });
});
