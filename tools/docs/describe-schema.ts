import type { SchemaNode } from './recipe-schema.ts';

/** One key of a recipe: dotted path, type in words, default or `required`, meaning. */
export type KeyRow = readonly [path: string, type: string, fallback: string, meaning: string];

/** Every key below a schema, in the order of the schema; `*` stands for a name of the user's, `[]` for each item. */
export function describeKeys(node: SchemaNode, prefix = ''): KeyRow[] {
  const own = Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const isRequired = node.required?.includes(name) ?? false;
    return [rowOf(path, child, isRequired), ...describeBelow(child, path)];
  });
  const named = typeof node.additionalProperties === 'object' ? node.additionalProperties : null;
  return named === null ? own : [...own, ...describeBelow(named, `${prefix}.*`)];
}

function describeBelow(node: SchemaNode, path: string): KeyRow[] {
  const choices = [...(node.oneOf ?? []), ...(node.anyOf ?? [])].flatMap((choice) =>
    describeKeys(choice, path),
  );
  const items = node.items === undefined ? [] : describeBelow(node.items, `${path}[]`);
  return withoutRepeats([...describeKeys(node, path), ...choices, ...items]);
}

function rowOf(path: string, node: SchemaNode, isRequired: boolean): KeyRow {
  const fallback = node.default === undefined ? '–' : `\`${JSON.stringify(node.default)}\``;
  return [`\`${path}\``, typeInWords(node), isRequired ? '**required**' : fallback, node.description ?? ''];
}

/** Alternatives repeat the key that tells them apart: their types are joined into one row. */
function withoutRepeats(rows: readonly KeyRow[]): KeyRow[] {
  const byPath = new Map<string, KeyRow>();
  for (const row of rows) {
    const known = byPath.get(row[0]);
    byPath.set(
      row[0],
      known === undefined || known[1] === row[1] ? row : [row[0], `${known[1]}, ${row[1]}`, row[2], row[3]],
    );
  }
  return [...byPath.values()];
}

function typeInWords(node: SchemaNode): string {
  const choices = node.oneOf ?? node.anyOf;
  if (node.const !== undefined) return code(node.const);
  if (node.enum !== undefined) return node.enum.map(code).join(', ');
  if (choices !== undefined) return [...new Set(choices.map(typeInWords))].join(' or ');
  if (node.items !== undefined) return `list of ${typeInWords(node.items)}`;
  const type = [node.type ?? 'anything'].flat().join(' or ');
  return `${type === 'object' ? 'block' : type}${rangeInWords(node)}`;
}

function rangeInWords({ minimum, maximum }: SchemaNode): string {
  const high = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? null : maximum;
  if (minimum === undefined) return high === null ? '' : ` ≤ ${high}`;
  return high === null ? ` ≥ ${minimum}` : ` ${minimum}…${high}`;
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
