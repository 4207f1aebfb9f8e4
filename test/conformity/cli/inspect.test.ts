import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callCli } from '../../fixtures/call-cli.ts';
import { formulaConfig, writeFormulaModel } from '../../fixtures/weights/formula-model.ts';

let work = '';
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'enginewright-inspect-'));
  await writeFormulaModel(join(work, 'model'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

describe('inspect FOLDER', () => {
  it.each([
    [
      'int4 --group 32 --asymmetric --layout gptq_v2',
      'quantized: gptq_v2, int4 with a scale for each 1 × 32 weights and zero points, 14 linears',
    ],
    ['int8 --layout gptq', 'quantized: gptq, int8 with a scale for each row, 14 linears'],
    ['fp8 --block tensor', 'quantized: float-quantized, fp8 with a scale for each tensor, 14 linears'],
    ['nvfp4', 'quantized: nvfp4-pack-quantized, nvfp4 with a scale for each 1 × 16 weights, 14 linears'],
  ])('tells how a folder is stored that was made with --scheme %s', async (flags, line) => {
    const to = join(work, flags);
    await callCli(['quantize', join(work, 'model'), to, '--scheme', ...flags.split(' ')]);

    const { code, stdout } = await callCli(['inspect', to]);

    expect(code).toBe(0);
    expect(stdout.split('\n')).toContain(line);
  });

  it('shows the tensors of a method that is not read here, with a notice', async () => {
    const foreign = join(work, 'foreign');
    await writeFormulaModel(foreign, {
      ...formulaConfig,
      quantization_config: { quant_method: 'bitsandbytes' },
    });

    const { code, stdout, stderr } = await callCli(['inspect', foreign]);

    expect(code).toBe(0);
    expect(stdout).toContain('model.layers.1.mlp.up_proj.weight');
    expect(stdout).not.toContain('quantized:');
    expect(stderr).toContain('is quantized by "bitsandbytes"');
  });

  it('says nothing about how floats are stored', async () => {
    const { stdout } = await callCli(['inspect', join(work, 'model'), '--json']);

    expect(JSON.parse(stdout)).toMatchObject({ quantization: null });
  });
});
