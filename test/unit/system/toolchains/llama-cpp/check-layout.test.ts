import { describe, expect, it } from 'vitest';
import { checkLayout, type ObservedLayout } from '../../../../../system/toolchains/llama-cpp/check-layout.ts';
import type { PinnedLayout } from '../../../../../system/toolchains/llama-cpp/pinned-layout.ts';

const pinned: PinnedLayout = {
  version: '1.0',
  structs: {
    params: {
      size: 16,
      hasDefaults: true,
      fields: [
        { name: 'scale', type: 'float', offset: 0, size: 4, default: 0.1 },
        { name: 'callback', type: 'void *', offset: 8, size: 8, default: null },
      ],
    },
  },
};

function observed(change: Partial<ObservedLayout['structs'][string]> = {}): ObservedLayout {
  const params = {
    size: 16,
    offsets: { scale: 0, callback: 8 },
    defaults: { scale: Math.fround(0.1), callback: null },
    ...change,
  };
  return { version: '1.0', structs: { params } };
}

describe('checkLayout', () => {
  it('accepts the pinned library, whose floats have lost digits', () => {
    expect(() => checkLayout(pinned, observed())).not.toThrow();
  });

  it.each([
    ['another size', observed({ size: 24 }), 'sizeof(params) is 24 instead of 16'],
    [
      'a moved field',
      observed({ offsets: { scale: 4, callback: 8 } }),
      'offset of params.scale is 4 instead of 0',
    ],
    [
      'another default',
      observed({ defaults: { scale: 0.2, callback: null } }),
      'default of params.scale is 0.2',
    ],
    ['a pointer that is set', observed({ defaults: { scale: 0.1, callback: 7n } }), 'params.callback is set'],
    ['another version', { ...observed(), version: '1.1' }, 'llama_version() is 1.1 instead of 1.0'],
    ['a struct that is absent', { version: '1.0', structs: {} }, 'sizeof(params) is undefined'],
  ])('names %s', (_difference, seen, message) => {
    expect(() => checkLayout(pinned, seen)).toThrow(
      expect.objectContaining({ name: 'ToolchainMismatch', message: expect.stringContaining(message) }),
    );
  });
});
