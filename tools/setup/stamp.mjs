import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

// What a step saw when it last succeeded. A stamp only ever saves work: without it the step runs again.

export function readStamp(root, name) {
  try {
    return JSON.parse(readFileSync(stampFile(root, name), 'utf8'));
  } catch {
    return {};
  }
}

export function writeStamp(root, name, value) {
  const file = stampFile(root, name);
  mkdirSync(dirname(file), { recursive: true });
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, JSON.stringify(value, null, 1));
  renameSync(aside, file);
}

function stampFile(root, name) {
  return join(root, '.cache', 'setup', `${name}.json`);
}
