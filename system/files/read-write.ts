import { access, cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { FailureName } from '../../core/domain/failures.ts';
import { unreadable } from './unreadable.ts';

/** Indented JSON and a final newline: diffs and editors like it. For files inside scratch folders. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeText(path, `${JSON.stringify(value, null, 2)}\n`);
}

export async function writeText(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** JSON that our own steps wrote and that the store verified by digest; anything else goes through a schema. */
export async function readOwnJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}

/** A file the user named. Throws the given failure when it cannot be read. */
export async function readUserText(path: string, failure: FailureName): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(failure, path, error);
  }
}

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

export function existsNow(path: string): boolean {
  return existsSync(path);
}

/** Copies a folder's content into another, made when absent; its files become the user's own, writable. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await cp(from, to, { recursive: true });
}

export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}
