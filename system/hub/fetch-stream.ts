import { BuildFailure } from '../../core/domain/failures.ts';
import { askContent, corrupt, cutShort, rangeStart, truncated } from './ask-content.ts';
import type { GuardedFetch } from './fetch-file.ts';
import type { HubAnswer } from './hub-connection.ts';
import type { HubFile } from './hub-file.ts';
import { PartialFile } from './partial-file.ts';
import { PassingTrouble, withRetries } from './patience.ts';
import { receive } from './receive.ts';

/** One stream from the first missing byte to the last, hashed as it grows; goes on where an earlier one stopped. */
export async function fetchAsStream(file: HubFile, fetch: GuardedFetch): Promise<void> {
  const { layout, signal } = fetch;
  const reading = { guard: fetch.guard, signal, onBytes: (count: number) => fetch.onBytes(file.path, count) };
  await using partial = await PartialFile.open(layout.partial(file), file, reading);
  const isResumed = partial.bytes > 0;
  await download(file, partial, fetch);
  if (!partial.isRight() && isResumed) {
    // What an earlier process left may be damaged; the hub deserves one try of its own.
    await startAgain(file, partial, fetch);
    await download(file, partial, fetch);
  }
  if (!partial.isRight()) {
    await partial.discard();
    throw corrupt(file, fetch.repo, 'its content has another digest');
  }
  await partial.keep(layout.blob(file));
}

async function download(file: HubFile, partial: PartialFile, fetch: GuardedFetch): Promise<void> {
  const { connection, signal } = fetch;
  let gained = 0;
  const attempt = async (): Promise<void> => {
    if (partial.bytes === file.bytes) return;
    const answer = await ask(file, partial, fetch);
    for await (const chunk of receive(answer.body, connection, signal)) {
      if (partial.bytes + chunk.length > file.bytes) {
        await partial.discard();
        throw corrupt(file, fetch.repo, `more than the announced ${file.bytes} bytes came`);
      }
      await partial.append(chunk);
      gained += chunk.length;
      fetch.onBytes(file.path, chunk.length);
    }
    if (partial.bytes < file.bytes) throw new PassingTrouble(truncated(file, fetch.repo, partial.bytes));
  };
  try {
    await withRetries(attempt, { patience: connection.patience, signal, gained: () => gained });
  } catch (error) {
    throw cutShort(error, gained) ? truncated(file, fetch.repo, partial.bytes) : error;
  }
}

/** Requests the missing bytes; afterwards the body continues exactly at the end of the partial file. */
async function ask(file: HubFile, partial: PartialFile, fetch: GuardedFetch): Promise<HubAnswer> {
  const { host } = fetch.connection.endpoint;
  const from = partial.bytes;
  const answer = await askContent(file, { from, to: file.bytes }, fetch);
  if (answer.status === 416) {
    answer.body.resume();
    await startAgain(file, partial, fetch);
    throw new PassingTrouble(new BuildFailure('HubUnreachable', `${host} refuses to resume ${file.path}`));
  }
  if (answer.status === 206 && rangeStart(answer) !== from) {
    answer.body.destroy();
    await startAgain(file, partial, fetch);
    throw new PassingTrouble(new BuildFailure('HubUnreachable', `${host} sent another range than asked for`));
  }
  // 200 in place of 206: the whole file comes again. Appending it would give a file of the wrong bytes.
  if (answer.status === 200 && from > 0) await startAgain(file, partial, fetch);
  return answer;
}

async function startAgain(file: HubFile, partial: PartialFile, { onBytes }: GuardedFetch): Promise<void> {
  onBytes(file.path, -partial.bytes);
  await partial.restart();
}
