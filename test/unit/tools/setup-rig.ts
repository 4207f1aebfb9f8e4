import { spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { packageRoot } from '../../../system/package-root.ts';

export interface Ended {
  readonly exitCode: number | null;
  readonly stderr: string;
}

/** A checkout of its own with the real tools/ and stand-ins for the programs that setup calls. */
export class SetupRig implements AsyncDisposable {
  readonly root: string;
  readonly #bin: string;

  private constructor(root: string) {
    this.root = root;
    this.#bin = join(root, 'bin');
  }

  static async create(): Promise<SetupRig> {
    const rig = new SetupRig(await mkdtemp(join(tmpdir(), 'enginewright-setup-')));
    await cp(join(packageRoot(), 'tools'), join(rig.root, 'tools'), { recursive: true });
    await rig.write('package.json', JSON.stringify({ name: 'rig', bin: {} }));
    await rig.write('package-lock.json', JSON.stringify({ packages: { '': {} } }));
    await mkdir(rig.#bin);
    for (const name of ['sh', 'mkdir', 'cat', 'cp', 'chmod', 'sleep'])
      await symlink(`/bin/${name}`, join(rig.#bin, name));
    for (const name of ['npm', 'make', 'c++', 'python3']) await rig.program(name, 'exit 0');
    await rig.program('cmake', 'echo cmake version 3.25.1');
    return rig;
  }

  /** A stand-in on PATH: it notes its arguments in calls.txt and goes on with the given shell lines. */
  async program(name: string, body: string): Promise<void> {
    const note = `echo "${name} $*" >> '${join(this.root, 'calls.txt')}'`;
    await this.write(`bin/${name}`, `#!/bin/sh\n${note}\n${body}\n`);
    await chmod(join(this.#bin, name), 0o755);
  }

  async remove(path: string): Promise<void> {
    await rm(join(this.root, path), { recursive: true, force: true });
  }

  async write(path: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(join(this.root, path)), { recursive: true });
    await writeFile(join(this.root, path), content);
  }

  read(path: string): Promise<string> {
    return readFile(join(this.root, path), 'utf8');
  }

  /** The calls of a program since the rig was made. */
  async calls(name: string): Promise<readonly string[]> {
    const all = await this.read('calls.txt').catch(() => '');
    return all.split('\n').filter((line) => line.startsWith(`${name} `));
  }

  setup(steps: readonly string[], more: { readonly env?: Record<string, string> } = {}): Promise<Ended> {
    const only = steps.flatMap((step) => ['--only', step]);
    const child = spawn(process.execPath, [join(this.root, 'tools', 'setup.mjs'), ...only], {
      env: { PATH: [this.#bin].join(delimiter), ...more.env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return new Promise((resolve) => {
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
      child.on('close', (exitCode) => resolve({ exitCode, stderr }));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}
