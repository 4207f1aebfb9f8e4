import { join } from 'node:path';
import { isDigest } from '../../core/domain/artifact.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import { AliasBook } from '../../system/artifact-store/aliases.ts';
import { createFolderStore } from '../../system/artifact-store/folder-store.ts';
import { pointAlias } from '../../system/artifact-store/point-alias.ts';
import { userName } from '../../system/host.ts';
import { defineCommand } from '../define-command.ts';

export const promote = defineCommand({
  name: 'promote',
  summary: 'Point an alias at a release that a run has published.',
  positionals: 'ALIAS RELEASE',
  options: {
    by: { type: 'string', value: 'NAME', description: 'Who decides (default: the user).' },
    reason: { type: 'string', value: 'TEXT', description: 'Why; stays in the history.' },
  },
  async run({ options, positionals, home, print }) {
    const [alias = '', release = ''] = positionals;
    if (!isDigest(release)) throw new BuildFailure('UsageInvalid', `'${release}' is no digest of a release`);
    const root = join(home, 'store');
    const store = { store: createFolderStore(root), aliases: new AliasBook(root) };
    const { by = userName(), reason = '' } = options;
    const pointed = await pointAlias(store, { alias, release, run: 'by hand', by, reason });
    const { changed, sequence } = pointed;
    const words = changed ? `now points at ${release.slice(0, 12)}` : 'points there already';
    print.result({ ...pointed, release }, `${alias} ${words} (change ${sequence})`);
  },
});
