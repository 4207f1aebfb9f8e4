import { describe, expect, it } from 'vitest';
import { addDifferences, countDifferences } from '../../../../core/formats/count-differences.ts';

const bytesOf = (values: Float32Array | Float64Array | Uint16Array) =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

describe('counting the items in which two tensors differ', () => {
  it('finds the largest distance of floats, as exact as the dtype is', () => {
    const a = bytesOf(Float64Array.of(1, 2, 3));
    const b = bytesOf(Float64Array.of(1, 2 + 2 ** -50, 3.5));

    expect(countDifferences(a, b, 'F64')).toEqual({ items: 3, different: 2, maxAbs: 0.5 });
    expect(countDifferences(a.slice(0, 16), b.slice(0, 16), 'F64').maxAbs).toBe(2 ** -50);
  });

  it('knows the 16-bit formats', () => {
    const [a, b] = [bytesOf(Uint16Array.of(0x3f80, 0)), bytesOf(Uint16Array.of(0x4000, 0))];

    expect(countDifferences(a, b, 'BF16')).toEqual({ items: 2, different: 1, maxAbs: 1 });
    expect(countDifferences(a, b, 'F16').maxAbs).toBeCloseTo(0.125);
  });

  it('gives no distance where a value is not finite or the dtype is no float', () => {
    const [a, b] = [bytesOf(Float32Array.of(1, NaN)), bytesOf(Float32Array.of(Infinity, 2))];

    expect(countDifferences(a, b, 'F32')).toEqual({ items: 2, different: 2, maxAbs: null });
    expect(countDifferences(Uint8Array.of(1, 2, 3, 4), Uint8Array.of(1, 2, 3, 5), 'I16')).toEqual({
      items: 2,
      different: 1,
      maxAbs: null,
    });
    expect(countDifferences(Uint8Array.of(1, 2), Uint8Array.of(1, 3), 'F4').items).toBe(2);
  });

  it('adds up over the parts of a tensor', () => {
    const sum = addDifferences(
      { items: 4, different: 1, maxAbs: null },
      { items: 2, different: 2, maxAbs: 0.25 },
    );

    expect(sum).toEqual({ items: 6, different: 3, maxAbs: 0.25 });
    expect(addDifferences({ ...sum, maxAbs: null }, { ...sum, maxAbs: null }).maxAbs).toBeNull();
  });
});
