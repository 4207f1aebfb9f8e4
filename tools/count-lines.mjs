#!/usr/bin/env node
// Prints files and lines of each folder, so that growth is seen and has to be explained; fails when a source file is
// longer than a person reads in one go. Generated files and data are not counted. An argument names another folder
// to look at than this checkout.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Lines a file may have; the first row that fits counts. A worker connects and does nothing else. */
const limits = [
  { below: 'workers/', lines: 40 },
  { below: '', lines: 300 },
];
/** The script that made the committed sample, as it ran: cut up it would be the record of nothing. */
const records = new Set(['examples/sample/training/train.py']);
const folders = [
  'config',
  'core',
  'workflows',
  'activities',
  'system',
  'workers',
  'cli',
  'native',
  'tools',
  'test',
  'examples',
];
const sources = new Set([
  '.ts',
  '.mts',
  '.mjs',
  '.js',
  '.cpp',
  '.cc',
  '.hpp',
  '.h',
  '.cu',
  '.cuh',
  '.py',
  '.css',
  '.cmake',
  '.sh',
]);
const skipped = new Set(['node_modules', 'build', 'generated', 'third-party', 'third_party', 'vendor']);
const root = process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url)));

const files = folders
  .filter((folder) => existsSync(join(root, folder)))
  .flatMap((folder) => listSources(folder))
  .map((path) => ({ path, lines: countLines(path) }));
const tooLong = files
  .map((file) => ({ ...file, most: limitOf(file.path) }))
  .filter(({ path, lines, most }) => lines > most && !records.has(path));

for (const [folder, members] of groupBy(files, folderOf)) {
  const lines = members.reduce((sum, file) => sum + file.lines, 0);
  process.stdout.write(
    `${String(lines).padStart(7)} lines ${String(members.length).padStart(4)} files  ${folder}\n`,
  );
}
for (const { path, lines, most } of tooLong) {
  process.stderr.write(`${path} has ${lines} lines; split what is more than ${most} by behaviour\n`);
}
process.exitCode = tooLong.length === 0 ? 0 : 1;

function limitOf(path) {
  return limits.find(({ below }) => path.startsWith(below)).lines;
}

/** core/domain, system/hub and their like by two names, the rest by one. */
function folderOf({ path }) {
  const parts = path.split('/');
  return parts.length > 2 ? parts.slice(0, 2).join('/') : parts[0];
}

/** Map.groupBy comes with Node 21. */
function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

function listSources(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .toSorted((left, right) => left.name.localeCompare(right.name))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return skipped.has(entry.name) ? [] : listSources(path);
      return sources.has(extname(entry.name)) ? [path] : [];
    });
}

function countLines(path) {
  const text = readFileSync(join(root, path), 'utf8');
  return text === '' ? 0 : text.trimEnd().split('\n').length;
}
