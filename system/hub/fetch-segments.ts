import { BuildFailure } from '../../core/domain/failures.ts';
import { askContent, corrupt, cutShort, rangeStart, truncated } from './ask-content.ts';
import { eachOf } from './each-of.ts';
import type { GuardedFetch } from './fetch-file.ts';
import type { HubFile } from './hub-file.ts';
import { PassingTrouble, withRetries } from './patience.ts';
import { receive } from './receive.ts';
import type { Segment } from './segment-journal.ts';
import { SegmentedFile } from './segmented-file.ts';

/** The host sends whole files only. */
class NoRanges extends Error {}

/**
 * Several streams at once, each with a part of the file. Answers `no-ranges`, and leaves nothing, when the host sends the
 * whole file whatever part it is asked for.
 */
export async function fetchInSegments(file: HubFile, fetch: GuardedFetch): Promise<'kept' | 'no-ranges'> {
  const path = fetch.layout.segments(file);
  await using target = await SegmentedFile.open(path, file, fetch);
  const left = target.bytes;
  fetch.onBytes(file.path, left);
  try {
    let isRight = await downloadAll(file, target, fetch);
    if (!isRight && left > 0) {
      // What an earlier process left may be damaged; the hub deserves one try of its own.
      fetch.onBytes(file.path, -target.bytes);
      target.restart();
      isRight = await downloadAll(file, target, fetch);
    }
    if (!isRight) throw corrupt(file, fetch.repo, 'its content has another digest');
  } catch (error) {
    if (!(error instanceof NoRanges) && !isCorrupt(error)) throw error;
    fetch.onBytes(file.path, -target.bytes);
    await target.discard();
    if (isCorrupt(error)) throw error;
    return 'no-ranges';
  }
  await target.keep(fetch.layout.blob(file));
  return 'kept';
}

function isCorrupt(error: unknown): boolean {
  return error instanceof BuildFailure && error.name === 'DownloadCorrupt';
}

/** True when the digest is the announced one. */
async function downloadAll(file: HubFile, target: SegmentedFile, fetch: GuardedFetch): Promise<boolean> {
  const stop = new AbortController();
  const signal = AbortSignal.any([fetch.signal, stop.signal]);
  const open = target.segments.filter(({ from, to, done }) => done < to - from);
  await eachOf(open, { parallel: fetch.streams, stop, signal }, (segment) =>
    fetchSegment(file, { segment, target }, { ...fetch, signal }),
  );
  return target.isRight(fetch.signal);
}

interface Part {
  readonly segment: Segment;
  readonly target: SegmentedFile;
}

async function fetchSegment(file: HubFile, { segment, target }: Part, fetch: GuardedFetch): Promise<void> {
  const { connection, signal } = fetch;
  const bytes = segment.to - segment.from;
  let gained = 0;
  const attempt = async (): Promise<void> => {
    const body = await askForRest(file, segment, fetch);
    for await (const chunk of receive(body, connection, signal)) {
      // A host may send more than the part that was asked for; the rest is another stream's.
      const wanted = chunk.subarray(0, bytes - segment.done);
      await target.append(segment, wanted);
      gained += wanted.length;
      fetch.onBytes(file.path, wanted.length);
      if (segment.done === bytes) return;
    }
    if (segment.done < bytes) throw new PassingTrouble(truncated(file, fetch.repo, target.bytes));
  };
  try {
    await withRetries(attempt, { patience: connection.patience, signal, gained: () => gained });
  } catch (error) {
    throw cutShort(error, gained) ? truncated(file, fetch.repo, target.bytes) : error;
  }
}

async function askForRest(file: HubFile, segment: Segment, fetch: GuardedFetch) {
  const { host } = fetch.connection.endpoint;
  const from = segment.from + segment.done;
  const answer = await askContent(file, { from, to: segment.to }, fetch);
  if (answer.status === 206 && rangeStart(answer) === from) return answer.body;
  answer.body.destroy();
  if (answer.status !== 206) throw new NoRanges();
  throw new PassingTrouble(new BuildFailure('HubUnreachable', `${host} sent another range than asked for`));
}
