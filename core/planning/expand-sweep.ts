import type { Json } from '../domain/json.ts';

export interface Axis {
  /** Dotted path inside the variant, e.g. `quantization.group`. */
  readonly path: string;
  readonly values: readonly (string | number | boolean)[];
}

export interface SweepPoint {
  /** E.g. `int4-group-64`: the variant it comes from, then each axis' last word and value. */
  readonly name: string;
  readonly settings: Json;
}

/** Every combination of the axes applied to one variant's settings. Pure data in, data out: validation is later. */
export function expandSweep(from: string, settings: Json, axes: readonly Axis[]): SweepPoint[] {
  let points: SweepPoint[] = [{ name: from, settings }];
  for (const { path, values } of axes) {
    points = points.flatMap((point) =>
      values.map((value) => ({
        name: `${point.name}-${path.split('.').at(-1)}-${String(value).toLowerCase()}`,
        settings: replaceAt(point.settings, path.split('.'), value),
      })),
    );
  }
  return points;
}

function replaceAt(settings: Json, [key, ...rest]: readonly string[], value: Json): Json {
  if (key === undefined) return value;
  const object =
    typeof settings === 'object' && settings !== null && !Array.isArray(settings)
      ? (settings as { readonly [key: string]: Json })
      : {};
  return { ...object, [key]: replaceAt(object[key] ?? {}, rest, value) };
}
