import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * One digest over names and contents of all files below the given paths (files or folders, relative to root) that
 * `isInput` accepts. Contents, not times: a fresh checkout of the same commit has other times.
 */
export function fingerprintFiles(root, paths, isInput = () => true) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap((path) => listFiles(root, path)).filter((path) => isInput(path))) {
    const content = readFileSync(join(root, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** A cheap mark of one file's identity; any rewrite changes at least the inode or the change time. */
export function fileMark(path) {
  const { size, mtimeMs, ctimeMs, ino } = statSync(path);
  return `${size}-${mtimeMs}-${ctimeMs}-${ino}`;
}

/** All files below a path, sorted, relative to root. Build output is never an input. */
function listFiles(root, path) {
  const stats = statSync(join(root, path), { throwIfNoEntry: false });
  if (stats === undefined) return [];
  if (!stats.isDirectory()) return [path];
  return readdirSync(join(root, path), { withFileTypes: true })
    .filter((entry) => !['build', 'node_modules'].includes(entry.name))
    .map((entry) => `${path}/${entry.name}`)
    .toSorted()
    .flatMap((child) => listFiles(root, child));
}
