import { execFile } from 'node:child_process';
import { chmod, mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A file system of its own in memory, of a size that can be changed while it is in use. */
export interface SmallDisk extends AsyncDisposable {
  resize(bytes: number): Promise<void>;
  makeReadOnly(): Promise<void>;
}

/** Only root may mount; elsewhere the test of a full disk says that it was left out. */
export const mayMount = process.platform === 'linux' && process.getuid?.() === 0;

/** A folder that can be read and not written, until disposed: its file system for root, whom no mode stops. */
export async function makeReadOnly(folder: string): Promise<AsyncDisposable> {
  if (mayMount) {
    const disk = await mountSmallDisk(folder, 1 << 20);
    await disk.makeReadOnly();
    return disk;
  }
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o555);
  return { [Symbol.asyncDispose]: () => chmod(folder, 0o755) };
}

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
