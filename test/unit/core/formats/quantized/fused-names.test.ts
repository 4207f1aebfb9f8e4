import { describe, expect, it } from 'vitest';
import { awqGemm } from '../../../../../core/formats/quantized/awq.ts';
import { withFusedNames } from '../../../../../core/formats/quantized/fused-names.ts';
import { gptqFormat } from '../../../../../core/formats/quantized/gptq.ts';
import type { QuantizedFormat } from '../../../../../core/formats/quantized/format.ts';
import type { QuantizedLayout } from '../../../../../core/formats/quantized/scheme.ts';

const attention = ['q_proj', 'k_proj', 'v_proj'].map((part) => `model.layers.0.self_attn.${part}`);
const fused = 'model.layers.0.self_attn.qkv_proj';

describe('modules that stay as they are', () => {
  it('are named as engines fuse them too, when all parts are there', () => {
    expect(withFusedNames(['lm_head', ...attention])).toEqual(['lm_head', ...attention, fused]);
    expect(withFusedNames(['m.mlp.up_proj', 'm.mlp.gate_proj'])).toEqual([
      'm.mlp.up_proj',
      'm.mlp.gate_proj',
      'm.mlp.gate_up_proj',
    ]);
  });

  it('are not when a part is quantized or belongs to another layer', () => {
    const others = ['model.layers.1.self_attn.v_proj', 'model.layers.0.mlp.gate_proj'];
    expect(withFusedNames([...attention.slice(0, 2), ...others])).toEqual([
      ...attention.slice(0, 2),
      ...others,
    ]);
  });

  it('stand so in the configs of gptq and awq', () => {
    const grid = { kind: 'integer', bits: 4, group: 32, symmetric: true, convention: 'centred' } as const;
    const modules = { kept: ['lm_head', ...attention], quantized: ['model.layers.0.mlp.down_proj'] };
    const configOf = (format: QuantizedFormat, layout: QuantizedLayout) =>
      format.config({ grid, layout, activations: 'none' }, modules);

    expect(configOf(awqGemm, 'awq')).toMatchObject({
      modules_to_not_convert: ['lm_head', ...attention, fused],
    });
    expect(configOf(gptqFormat('gptq'), 'gptq')).toMatchObject({
      dynamic: { '-:^model\\.layers\\.0\\.self_attn\\.qkv_proj$': {} },
    });
  });
});
