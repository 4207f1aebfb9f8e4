import { describe, expect, it } from 'vitest';
import { isMeant } from '../../../../../core/formats/quantized/module-patterns.ts';

const module = 'model.layers.0.mlp.down_proj';

describe('a pattern for modules', () => {
  it.each(['down_proj', 'mlp.down_proj', 'model.layers.0.*', 'layers.*.down_proj', '*', module])(
    '%s means the linear',
    (pattern) => {
      expect(isMeant(module, pattern)).toBe(true);
    },
  );

  it.each(['own_proj', 'down', 'layers.0', 'layers.1.*', 'down.proj', 'model?layers.0.*', ''])(
    '%j does not',
    (pattern) => {
      expect(isMeant(module, pattern)).toBe(false);
    },
  );
});
