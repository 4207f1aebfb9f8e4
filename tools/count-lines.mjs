#!/usr/bin/env node
// Prints files and lines of each folder, so that growth is seen and has to be explained; fails when a source file is
// longer than a person reads in one go. Generated files, fixtures and sample data are not counted.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const longest = 300;
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
const skipped = new Set([
  'node_modules',
  'build',
  'generated',
  'fixtures',
  'third-party',
  'third_party',
  'vendor',
]);
const root = dirname(dirname(fileURLToPath(import.meta.url)));

const files = folders
  .flatMap((folder) => listSources(folder))
  .map((path) => ({ path, lines: countLines(path) }));
const tooLong = files.filter(({ path, lines }) => lines > longest && !path.startsWith('test/'));

for (const [folder, members] of groupBy(files, folderOf)) {
  const lines = members.reduce((sum, file) => sum + file.lines, 0);
  process.stdout.write(
    `${String(lines).padStart(7)} lines ${String(members.length).padStart(4)} files  ${folder}\n`,
  );
}
for (const { path, lines } of tooLong) {
  process.stderr.write(`${path} has ${lines} lines; split what is more than ${longest} by behaviour\n`);
}
process.exitCode = tooLong.length === 0 ? 0 : 1;

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
