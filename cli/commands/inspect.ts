import { join } from 'node:path';
import { isDigest, type Digest } from '../../core/domain/artifact.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import { summariseMetadata } from '../../core/formats/gguf/summarise-metadata.ts';
import { createFolderStore } from '../../system/artifact-store/folder-store.ts';
import { exists } from '../../system/files/read-write.ts';
import { readGgufFile } from '../../system/toolchains/llama-cpp/read-gguf-file.ts';
import { locateWeights } from '../../system/native-cli/locate.ts';
import { digestManifest } from '../../system/weights/digest-weights.ts';
import { inspectWeights, type WeightsSummary } from '../../system/weights/inspect-weights.ts';
import { openWeights, type OpenOptions } from '../../system/weights/open-weights.ts';
import { defineCommand, type Context } from '../define-command.ts';
import { effectScope } from '../effect-scope.ts';
import { renderTextTable } from '../output/text-table.ts';
import { formatBytes } from '../output/units.ts';

export const inspect = defineCommand({
  name: 'inspect',
  summary: 'Show what weights, a GGUF file or an artifact of the store hold.',
  positionals: 'PATH|DIGEST',
  options: {
    root: {
      type: 'string',
      value: 'KEY',
      description: 'Key of the state dict inside a training checkpoint.',
    },
    digests: {
      type: 'boolean',
      description: "The sha256 of every tensor and their root, which is the weights' identity in any format.",
    },
  },
  async run({ options, positionals, ...context }) {
    const [subject = ''] = positionals;
    const choice = options.root === undefined ? {} : { root: options.root };
    if (isDigest(subject)) {
      if (!options.digests) return showArtifact(subject, context);
      return showDigests(await folderInStore(subject, context), choice, context);
    }
    if (!(await exists(subject))) throw new BuildFailure('WeightsMissing', `there is nothing at ${subject}`);
    if (options.digests) return showDigests(subject, choice, context);
    if (subject.endsWith('.gguf')) return showGguf(subject, context);
    const summary = await inspectWeights(subject, choice);
    for (const notice of summary.notices) context.print.note(notice);
    const rows = summary.tensors.map(({ name, dtype, shape, bytes, file }) => [
      name,
      dtype,
      shape.join('×'),
      formatBytes(bytes),
      file,
    ]);
    const first = `${summary.role}, ${summary.format}, ${summary.parameters.toLocaleString('en')} parameters, ${formatBytes(summary.bytes)}`;
    const head = summary.quantization === null ? first : `${first}\n${describeScheme(summary.quantization)}`;
    context.print.result(
      summary,
      `${head}\n\n${tensorTable(['tensor', 'dtype', 'shape', 'size', 'file'], rows)}`,
    );
  },
});

/** E.g. `quantized: gptq_v2, int4 with a scale for each 1 × 128 weights and zero points, 42 linears`. */
function describeScheme({
  format,
  weights,
  block: [rows, columns],
  symmetric,
  linears,
}: NonNullable<WeightsSummary['quantization']>): string {
  const shared =
    rows === null
      ? 'a scale for each tensor'
      : columns === null
        ? 'a scale for each row'
        : `a scale for each ${rows} × ${columns} weights`;
  return `quantized: ${format}, ${weights} with ${shared}${symmetric ? '' : ' and zero points'}, ${linears} linears`;
}

async function folderInStore(digest: Digest, { home }: Context): Promise<string> {
  const store = createFolderStore(join(home, 'store'));
  const { kind } = await store.manifestOf(digest);
  return store.folderOf({ kind, digest, bytes: 0 });
}

async function showDigests(path: string, choice: OpenOptions, context: Context): Promise<void> {
  const executable = locateWeights(context.environment.weightsExecutable);
  const scope = { ...effectScope(context, 'inspect'), executable };
  const opened = await openWeights(path, choice);
  for (const notice of opened.notices) context.print.note(notice);
  const { root, tensors } = await digestManifest(opened.tensors, scope);
  const rows = [...tensors].map(([name, { dtype, shape, sha256 }]) => [name, dtype, shape.join('×'), sha256]);
  context.print.result(
    { version: 1, root, tensors: Object.fromEntries(tensors) },
    `root ${root}\n\n${tensorTable(['tensor', 'dtype', 'shape', 'sha256'], rows)}`,
  );
}

async function showGguf(path: string, { print }: Context): Promise<void> {
  const gguf = await readGgufFile(path);
  const metadata = summariseMetadata(gguf.metadata);
  const lines = Object.entries(metadata).map(([key, value]) => `${key} = ${String(value)}`);
  const tensors = gguf.tensors.map(({ name, type, shape, bytes }) => ({ name, type, shape, bytes }));
  const rows = tensors.map(({ name, type, shape, bytes }) => [
    name,
    type,
    shape.join('×'),
    formatBytes(bytes),
  ]);
  print.result(
    { metadata, tensors },
    `${lines.join('\n')}\n\n${tensorTable(['tensor', 'type', 'shape', 'size'], rows)}`,
  );
}

async function showArtifact(digest: Digest, { home, print }: Context): Promise<void> {
  const manifest = await createFolderStore(join(home, 'store')).manifestOf(digest);
  const rows = manifest.files.map(({ path, bytes, sha256 }) => [
    path,
    formatBytes(bytes),
    sha256.slice(0, 16),
  ]);
  const table = renderTextTable({
    columns: ['file', 'size', 'sha256'],
    rows,
    alignment: ['left', 'right', 'left'],
  });
  print.result(
    manifest,
    `${manifest.kind} ${digest}\n${JSON.stringify(manifest.facts)}\n\n${table}\n\n${JSON.stringify(manifest.provenance, null, 2)}`,
  );
}

function tensorTable(columns: string[], rows: string[][]): string {
  return renderTextTable({
    columns,
    rows,
    alignment: columns.map((title) => (title === 'size' ? 'right' : 'left')),
  });
}
