import { userInfo } from 'node:os';
import { join } from 'node:path';
import { isDigest } from '../../core/domain/artifact.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import { AliasBook } from '../../system/artifact-store/aliases.ts';
import { createFolderStore } from '../../system/artifact-store/folder-store.ts';
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
    if (!isDigest(release)) throw new BuildFailure('UsageInvalid', `'${release}' is no digest of a release (64 hex digits)`);
    const root = join(home, 'store');
    const { kind } = await createFolderStore(root).verify(release);
    if (kind !== 'release') throw new BuildFailure('ReleaseMissing', `${release.slice(0, 12)} is a ${kind}, no release`);
    const book = new AliasBook(root);
    const current = await book.current(alias);
    if (current?.release === release) {
      print.result({ ...current, changed: false }, `${alias} points there already (change ${current.sequence})`);
      return;
    }
    const by = options.by ?? userInfo().username;
    const entry = { alias, release, run: 'by hand', by, reason: options.reason ?? '', at: new Date().toISOString() };
    const written = await book.append(entry, current?.sequence ?? 0);
    print.result({ ...written, changed: true }, `${alias} now points at ${release.slice(0, 12)} (change ${written.sequence})`);
  },
});
