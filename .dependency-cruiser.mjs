// Who may import whom. A row of `may` is one folder and the folders whose values it may use; its own files are always
// allowed, and so are types (`import type`), because they are gone at run time. Every rule says where offending code
// belongs. docs/architecture.md tells why the layers are these.

const productFolders = '^(config|core|workflows|activities|system|workers|cli)/';
const contracts = '^activities/([^/]+/contract|contracts)\\.ts$';
const packages = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-bundled', 'npm-no-pkg', 'npm-unknown'];

/** One layer: `folder` may use the values of `allowed`, and of nothing else in this repository. */
function may(folder, allowed, comment) {
  return {
    name: `layer ${folder}`,
    severity: 'error',
    comment,
    from: { path: `^${folder}/`, ...(folder === 'activities' ? { pathNot: contracts } : {}) },
    to: {
      path: productFolders,
      pathNot: [folder, ...allowed].map((name) => (name.startsWith('^') ? name : `^${name}/`)),
      dependencyTypesNot: ['type-only'],
    },
  };
}

const layers = [
  may(
    'core/domain',
    [],
    'The vocabulary depends on nothing. Knowledge goes to core/catalog, decisions to core/planning.',
  ),
  may('core/catalog', ['core/domain'], 'The catalog is data: what decides by it belongs in core/planning.'),
  may(
    'core/formats',
    ['core/domain', 'core/catalog'],
    'A format turns bytes into meaning and back, and knows how a family names its tensors. Choosing one belongs in core/planning.',
  ),
  may(
    'core/metrics',
    ['core/domain'],
    'A metric is a formula. Verdicts about its values belong in core/judging.',
  ),
  may(
    'core/judging',
    ['core/domain', 'core/metrics'],
    'Judging turns scores into verdicts. How they look belongs in core/reports.',
  ),
  may(
    'core/planning',
    ['core/domain', 'core/catalog', 'core/metrics', 'core/judging'],
    'Planning decides before anything is spent. Reading files belongs in the cli, which hands their content in.',
  ),
  may(
    'core/reports',
    ['core/domain', 'core/metrics', 'core/judging'],
    'A report renders and decides nothing. Decisions belong in core/judging.',
  ),
  may(
    'config',
    ['core/domain', 'core/catalog', 'core/metrics'],
    'config turns text into validated values. What follows from them belongs in core/planning.',
  ),
  may(
    'workflows',
    ['core/domain', contracts],
    "A workflow only orders steps and knows them by their contract. Effects belong in a step's activity.ts, decisions in core/planning.",
  ),
  may(
    'activities',
    ['core', 'system'],
    'A step uses core and system. What connects steps belongs in workflows, wiring in workers.',
  ),
  may(
    'system',
    ['core'],
    'system makes effects safe and knows no step and no recipe. Pass what it needs as an argument.',
  ),
  may(
    'workers',
    ['config', 'core', 'activities', 'system'],
    'A worker constructs and connects; workflows are handed over as a path, not imported.',
  ),
  may(
    'cli',
    ['config', 'core', 'system', 'workers', contracts],
    'The cli parses, calls and renders. Steps are reached through workflows, by name.',
  ),
  {
    name: 'layer contract',
    severity: 'error',
    comment:
      "A step's contract is plain data and types, because workflows load it: it may use core/domain only.",
    from: { path: contracts },
    to: { path: productFolders, pathNot: ['^core/domain/', contracts], dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'nobody-imports-tests-or-tools',
    severity: 'error',
    comment: 'What the product needs belongs in core or system, where tests and tools can import it too.',
    from: { path: productFolders },
    to: { path: '^(test|tools)/' },
  },
];

const purity = [
  {
    name: 'pure-folders',
    severity: 'error',
    comment:
      'core, workflows and contracts run without Node. An effect belongs in system; its result is passed in.',
    from: { path: ['^core/', '^workflows/', contracts] },
    to: { dependencyTypes: ['core'], dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'workflow-packages',
    severity: 'error',
    comment:
      'A workflow may use @temporalio/workflow and @temporalio/common only: all it imports is bundled and replayed.',
    from: { path: '^workflows/' },
    to: {
      dependencyTypes: packages,
      dependencyTypesNot: ['type-only'],
      pathNot: '(^|/)node_modules/@temporalio/(workflow|common)/',
    },
  },
  {
    name: 'pure-packages',
    severity: 'error',
    comment:
      'core and contracts use no package. Schemas belong in core/catalog or config, effects in system.',
    from: { path: ['^core/', contracts], pathNot: '^core/catalog/' },
    to: { dependencyTypes: packages, dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'schema-packages',
    severity: 'error',
    comment: 'core/catalog and config use zod (and config yaml). An effect belongs in system.',
    from: { path: '^(core/catalog|config)/' },
    to: {
      dependencyTypes: packages,
      dependencyTypesNot: ['type-only'],
      pathNot: '(^|/)node_modules/(zod|yaml)/',
    },
  },
  {
    name: 'only-system-touches-the-os',
    severity: 'error',
    comment:
      'Files, processes and the network belong in system, where they are cancellable and atomic. Add a function there.',
    from: { path: productFolders, pathNot: '^system/' },
    to: {
      dependencyTypes: ['core'],
      dependencyTypesNot: ['type-only'],
      path: '^(node:)?(fs|child_process|net|tls|dgram|dns|http|http2|https|os|worker_threads|cluster)(/|$)',
    },
  },
];

const shape = [
  {
    name: 'steps-are-strangers',
    severity: 'error',
    comment:
      'A step knows no other step, also not as a type. What two steps share belongs in core or system.',
    from: { path: '^activities/([^/]+)/' },
    to: { path: '^activities/[^/]+/', pathNot: '^activities/$1/' },
  },
  {
    name: 'no-circular',
    severity: 'error',
    comment: 'Two files that need each other are one file, or a third one is missing that both need.',
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  {
    name: 'not-to-unresolvable',
    severity: 'error',
    comment: 'There is no such file or package.',
    from: {},
    to: { couldNotResolve: true },
  },
];

export default {
  forbidden: [...layers, ...purity, ...shape],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.cache|native/build)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
};
