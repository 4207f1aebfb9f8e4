// `npm run oracles`: all 300 summaries and 200 windows beside the oracles; writes docs/results/oracles.md.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../system/package-root.ts';
import { compareWithOracles, type OracleComparison } from './oracles/compare-with-oracles.ts';

const root = packageRoot();
const scratch = await mkdtemp(join(tmpdir(), 'oracles-'));
const started = performance.now();
try {
  const comparisons = await compareWithOracles(
    {
      sample: join(root, 'examples', 'sample'),
      oracles: join(root, 'test', 'fixtures', 'oracles'),
      scratch,
      summaries: 300,
      windows: 200,
    },
    { signal: AbortSignal.timeout(3_600_000), onProgress: () => undefined },
  );
  const minutes = ((performance.now() - started) / 60_000).toFixed(1);
  const text = render(comparisons, minutes);
  await writeFile(join(root, 'docs', 'results', 'oracles.md'), text);
  process.stdout.write(text);
} finally {
  await rm(scratch, { recursive: true, force: true });
}

function render(comparisons: readonly OracleComparison[], minutes: string): string {
  const rows = comparisons.map(({ model, rouge1, perplexity }) => {
    const ratio = (100 * (perplexity.ours / perplexity.oracle - 1)).toFixed(4);
    const difference = (rouge1.ours - rouge1.oracle).toFixed(2);
    return `| ${model} | ${rouge1.ours.toFixed(2)} | ${rouge1.oracle.toFixed(2)} | ${difference} | ${perplexity.ours.toFixed(4)} | ${perplexity.oracle.toFixed(4)} | ${ratio} % |`;
  });
  return [
    '# f16 engines of the sample against torch, transformers and rouge_score',
    '',
    `Command \`npm run oracles\`, ${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model ?? 'unknown processor'} (${cpus().length} cores), Node ${process.version}, ${minutes} minutes.`,
    'The same 300 summaries (greedy, 80 new tokens) and 200 windows of 512 tokens on both sides; the oracle ran in float32.',
    '',
    '| model | ROUGE-1 | oracle | difference | perplexity | oracle | difference |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows,
    '',
  ].join('\n');
}
