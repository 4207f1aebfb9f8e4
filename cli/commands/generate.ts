import { join } from 'node:path';
import { isDigest, type Digest } from '../../core/domain/artifact.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import { AliasBook } from '../../system/artifact-store/aliases.ts';
import { createFolderStore } from '../../system/artifact-store/folder-store.ts';
import { readRelease } from '../../system/artifact-store/read-release.ts';
import { isFolder } from '../../system/files/read-write.ts';
import { createToolchains } from '../../system/toolchains/create-toolchains.ts';
import { defineCommand } from '../define-command.ts';
import { effectScope } from '../effect-scope.ts';
import { parseWhole } from '../parse-number.ts';

export const generate = defineCommand({
  name: 'generate',
  summary: 'Let an engine continue a prompt, greedily.',
  positionals: 'ENGINE',
  options: {
    prompt: {
      type: 'string',
      value: 'TEXT',
      multiple: true,
      description: 'Text to continue; may be given several times.',
    },
    'max-new-tokens': { type: 'string', value: 'N', description: 'At most this many (default 64).' },
    toolchain: { type: 'string', value: 'ID', description: 'Toolchain of the engine (default llama-cpp).' },
  },
  async run({ options, positionals, ...context }) {
    if (options.prompt.length === 0) throw new BuildFailure('UsageInvalid', 'generate needs --prompt');
    const engineFolder = await findEngine(positionals[0] ?? '', context.home);
    const maxNewTokens = parseWhole('--max-new-tokens', options['max-new-tokens'] ?? '64', {
      least: 1,
      most: 100_000,
    });
    const toolchain = createToolchains(context.environment, context.home)(options.toolchain ?? 'llama-cpp');
    const prompts = options.prompt.map((text, index) => ({ id: `prompt-${index + 1}`, text }));
    const { texts } = await toolchain.generate(
      { engineFolder, prompts, maxNewTokens },
      effectScope(context, 'generate'),
    );
    context.print.result(texts, texts.map(({ prompt, text }) => `${prompt}${text}`).join('\n---\n'));
  },
});

/** A folder, the digest of an engine, or an alias. */
async function findEngine(name: string, home: string): Promise<string> {
  if (await isFolder(name)) return name;
  const root = join(home, 'store');
  const store = createFolderStore(root);
  const digest = isDigest(name) ? name : await engineOfAlias(name, root);
  return store.folderOf({ kind: 'engine', digest, bytes: 0 });
}

async function engineOfAlias(alias: string, root: string): Promise<Digest> {
  const entry = await new AliasBook(root).current(alias);
  if (entry === null)
    throw new BuildFailure('ArtifactMissing', `'${alias}' is no folder, no digest and no alias`);
  return (await readRelease(createFolderStore(root), entry.release)).engine.digest;
}
