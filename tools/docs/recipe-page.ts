import { Recipe } from '../../config/recipe.ts';
import { families } from '../../core/catalog/families/registry.ts';
import { quantizations } from '../../core/catalog/quantizations/registry.ts';
import { spell, toolchains } from '../../core/catalog/toolchains/registry.ts';
import { gateKinds } from '../../core/judging/gates/registry.ts';
import { metricFamilies } from '../../core/judging/metrics/registry.ts';
import { describeKeys } from './describe-schema.ts';
import { markdownTable } from './markdown-table.ts';
import { recipeSchema, type SchemaNode } from './recipe-schema.ts';

/** docs/recipe.md: every key of a recipe, and what the values may be, from the schema and the registries. */
export function recipePage(): string {
  return [
    '# The recipe',
    '',
    '<!-- Made by `npm run docs` from config/recipe.ts and the registries; do not edit. -->',
    '',
    'A recipe is a YAML file. Unknown keys are refused with the nearest known one; every problem is told with its',
    'line and column before anything runs. [examples/sample/recipe.yaml](../examples/sample/recipe.yaml) is a',
    'complete one. For completion in an editor that speaks the YAML language server, begin the file with',
    '`# yaml-language-server: $schema=PATH/docs/recipe.schema.json`.',
    '',
    '## Keys',
    '',
    '`*` stands for a name you choose, `[]` for each item of a list.',
    '',
    markdownTable(['Key', 'Type', 'Default', 'Meaning'], describeKeys(recipeSchema())),
    '',
    '## Quantizations by toolchain',
    '',
    markdownTable(['Quantization', ...toolchains.map(({ id }) => id)], quantizationRows()),
    '',
    'A cell names the format the toolchain writes. What it has no format for is refused by `plan` and `run`, with the',
    'formats it has (see [decision 0004](decisions/0004-groups-are-what-the-formats-offer.md)).',
    '',
    '## Model families by toolchain',
    '',
    markdownTable(
      ['Family', '`architectures` in config.json', ...toolchains.map(({ id }) => id)],
      familyRows(),
    ),
    '',
    '## Gates',
    '',
    markdownTable(['In the recipe', 'Passes when', 'Bound'], gateRows()),
    '',
    'A gate is `pass`, `fail`, `inconclusive` (the samples do not settle it: never taken for a pass) or `error` (the',
    'figure is missing).',
    '',
    '## Metrics',
    '',
    'A gate names a metric by its path; `@<n>` stands for a concurrency of the benchmark.',
    '',
    ...metricFamilies.map(({ paths }) => `- ${paths.map((path) => `\`${path}\``).join(', ')}`),
    '',
  ].join('\n');
}

/** Every combination of a method's options that some toolchain has a format for. */
function quantizationRows(): string[][] {
  return quantizations.flatMap(({ method, Options, title }) => {
    const rows = combinations(method).flatMap((options) => {
      const parsed = Options.parse(options);
      const cells = toolchains.map((toolchain) => formatOf(spell(toolchain, parsed)));
      return cells.every((cell) => cell === '') ? [] : [[`\`${inRecipe(options)}\``, ...cells]];
    });
    return [[title, ...toolchains.map(() => '')], ...rows];
  });
}

/** All values of every option that has a list of them; a number that may be anything stands with its default. */
function combinations(method: string): Record<string, unknown>[] {
  const choices = findNode(['variants', '*', 'quantization'])?.oneOf ?? [];
  const options =
    choices.find(({ properties }) => properties?.['method']?.const === method)?.properties ?? {};
  return Object.entries(options).reduce<Record<string, unknown>[]>(
    (rows, [name, node]) => rows.flatMap((row) => valuesOf(node).map((value) => ({ ...row, [name]: value }))),
    [{}],
  );
}

function valuesOf(node: SchemaNode): readonly unknown[] {
  return node.type === 'boolean' ? [true, false] : (node.enum ?? [node.const ?? node.default]);
}

function findNode(path: readonly string[]): SchemaNode | undefined {
  return path.reduce<SchemaNode | undefined>((node, name) => {
    const named = node?.additionalProperties;
    return name === '*' && typeof named === 'object' ? named : node?.properties?.[name];
  }, recipeSchema());
}

function inRecipe(options: Record<string, unknown>): string {
  return `{ ${Object.entries(options)
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join(', ')} }`;
}

function formatOf(spelling: ReturnType<typeof spell>): string {
  if ('unsupported' in spelling) return '';
  const { type } = spelling.build;
  return typeof type === 'string' ? type : 'yes';
}

function familyRows(): string[][] {
  return families.map(({ id, title, architectures }) => [
    title,
    architectures.map((name) => `\`${name}\``).join(', '),
    ...toolchains.map((toolchain) => (toolchain.families.includes(id) ? 'yes' : '')),
  ]);
}

/** Only what the schema takes: a kind of gate that judging knows but a recipe cannot ask for is not shown. */
function gateRows(): string[][] {
  const { gates } = Recipe.shape;
  return gateKinds.flatMap(({ rule, meaning, bound }) => {
    const forms = [{ [rule]: 1 }, { rule, margin: 1 }, { rule, bound: 1 }, { rule }];
    const form = forms.find((candidate) => gates.safeParse([{ metric: 'rouge1', ...candidate }]).success);
    return form === undefined
      ? []
      : [[`\`${inRecipe({ metric: '…', ...form })}\``.replace(': 1 ', ': BOUND '), meaning, bound]];
  });
}
