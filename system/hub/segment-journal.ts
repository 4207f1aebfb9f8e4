import { readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { writeAtomically } from '../files/atomic-write.ts';

/** A part of a file: bytes [from, to), of which the first `done` are on the disk. */
export interface Segment {
  readonly from: number;
  readonly to: number;
  done: number;
}

const Journal = z.strictObject({
  bytes: z.int().positive(),
  segmentBytes: z.int().positive(),
  /** Bytes on the disk of each segment. */
  done: z.array(z.int().nonnegative()),
});

/** What an earlier process wrote down beside the file that grows; fresh segments if there is nothing usable. */
export async function readSegments(
  path: string,
  { bytes, segmentBytes }: { readonly bytes: number; readonly segmentBytes: number },
): Promise<Segment[]> {
  const journal = await readJournal(path, bytes);
  const size = journal?.segmentBytes ?? segmentBytes;
  return Array.from({ length: Math.ceil(bytes / size) }, (_, index) => {
    const [from, to] = [index * size, Math.min(bytes, (index + 1) * size)];
    return { from, to, done: Math.min(journal?.done[index] ?? 0, to - from) };
  });
}

/** Bytes that earlier processes left of a file of this size; 0 without a usable journal. */
export async function gainedBefore(path: string, bytes: number): Promise<number> {
  const journal = await readJournal(path, bytes);
  return (journal?.done ?? []).reduce((sum, done) => sum + done, 0);
}

export async function writeSegments(path: string, segments: readonly Segment[]): Promise<void> {
  const [first] = segments;
  const journal: z.input<typeof Journal> = {
    bytes: segments.at(-1)?.to ?? 0,
    segmentBytes: first === undefined ? 1 : first.to - first.from,
    done: segments.map(({ done }) => done),
  };
  await writeAtomically(journalOf(path), JSON.stringify(journal));
}

export async function removeJournal(path: string): Promise<void> {
  await rm(journalOf(path), { force: true });
}

async function readJournal(path: string, bytes: number) {
  const journal = parseJournal(await readFile(journalOf(path), 'utf8').catch(() => '{}'));
  return journal?.bytes === bytes ? journal : undefined;
}

/** What a journal says, or undefined: it has a line for every segment, and no segment has more than all of its bytes. */
export function parseJournal(text: string): z.infer<typeof Journal> | undefined {
  const journal = Journal.safeParse(parseJson(text)).data;
  if (journal === undefined) return undefined;
  const { bytes, segmentBytes, done } = journal;
  const isWhole = done.length === Math.ceil(bytes / segmentBytes);
  return isWhole && done.every((count) => count <= segmentBytes) ? journal : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function journalOf(path: string): string {
  return `${path}.json`;
}
