import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from './run-tool.mjs';
import { readStamp, writeStamp } from './stamp.mjs';

/**
 * Runs `npm ci` unless node_modules already is what package-lock.json says. npm keeps a record of what it installed
 * in node_modules/.package-lock.json; comparing the two costs milliseconds and also sees an install by hand.
 */
export async function installPackages({ root, progress }) {
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const lock = JSON.parse(lockText);
  const digest = createHash('sha256').update(lockText).digest('hex');
  const wanted = Object.entries(lock.packages).filter(([path]) => path !== '');
  const installed = readInstalled(root);
  // npm lets an optional package fail, for instance without a network; trying once per lock is enough.
  const triedOptional = readStamp(root, 'packages').lock === digest;
  const isWanted = ([, entry]) => !entry.optional || (!triedOptional && isForThisHost(entry));
  const isMissing = ([path, entry]) => !isInstalled(join(root, path), entry, installed[path]);
  const isExtra = (path) => lock.packages[path] === undefined;
  const isStale =
    wanted.filter(isWanted).some(isMissing) ||
    Object.keys(installed).some(isExtra) ||
    !agreesWithManifest(root, lock);
  if (!isStale) return;

  await progress.step(`installing ${wanted.length} npm packages`, () =>
    runTool('npm', ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'], { cwd: root }),
  );
  writeStamp(root, 'packages', { lock: digest });
}

function readInstalled(root) {
  try {
    return JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages;
  } catch {
    return {};
  }
}

function isInstalled(folder, wanted, found) {
  const isSame = found?.version === wanted.version && found?.integrity === wanted.integrity;
  return isSame && existsSync(join(folder, 'package.json'));
}

/**
 * Optional packages come in three sorts: binaries for this host, binaries for other hosts, and what the binaries for
 * other hosts need. Only the first must be there. A host with musl has no Temporal bridge anyway.
 */
function isForThisHost({ os, cpu, libc }) {
  return (
    (os?.includes(process.platform) && cpu?.includes(process.arch) && (libc?.includes('glibc') ?? true)) ??
    false
  );
}

/** npm ci refuses a lock that does not belong to its package.json, and says which package is the matter. */
function agreesWithManifest(root, lock) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const kinds = ['dependencies', 'devDependencies', 'optionalDependencies'];
  return kinds.every((kind) => sameEntries(manifest[kind] ?? {}, lock.packages['']?.[kind] ?? {}));
}

function sameEntries(left, right) {
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => left[name] === right[name]);
}
