import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A file system of its own in memory, of a size that can be changed while it is in use. */
export interface SmallDisk extends AsyncDisposable {
  resize(bytes: number): Promise<void>;
  makeReadOnly(): Promise<void>;
}

/** Only root may mount; elsewhere the tests of a full disk say that they were left out. */
export const mayMount = process.platform === 'linux' && process.getuid?.() === 0;

export async function mountSmallDisk(folder: string, bytes: number): Promise<SmallDisk> {
  await mkdir(folder, { recursive: true });
  await execute('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'enginewright-test', folder]);
  return {
    async resize(size) {
      await execute('mount', ['-o', `remount,size=${size}`, folder]);
    },
    async makeReadOnly() {
      await execute('mount', ['-o', 'remount,ro', folder]);
    },
    async [Symbol.asyncDispose]() {
      await execute('umount', ['-l', folder]);
    },
  };
}
