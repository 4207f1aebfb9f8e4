import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../../system/package-root.ts';

// What a workflow starts is awaited when it is cancelled; left out, the server's default would give a cancelled run up
// while its processes still live. So there are few places that start anything, and each says it.

const folder = join(packageRoot(), 'workflows');
const names = (await readdir(folder)).filter((name) => name.endsWith('.ts'));
const sources = new Map(
  await Promise.all(
    names.map(async (name) => [name, withoutComments(await readFile(join(folder, name), 'utf8'))] as const),
  ),
);

it('activities are scheduled in one place and children in one, and by no other means', () => {
  expect(callsOf('scheduleActivity')).toEqual(['story.ts']);
  expect(callsOf('executeChild')).toEqual(['produce-variants.ts']);
  for (const other of ['proxyActivities', 'proxyLocalActivities', 'scheduleLocalActivity', 'startChild'])
    expect([other, filesWith(other)]).toEqual([other, []]);
});

it('each of them waits until what it started has ended when the run is cancelled', () => {
  expect(sources.get('story.ts')).toMatch(
    /const options: ActivityOptions = \{[^}]*\n {6}cancellationType: ActivityCancellationType\.WAIT_CANCELLATION_COMPLETED,/,
  );
  expect(sources.get('story.ts')).toMatch(/scheduleActivity<Output>\(contract\.name, \[input\], options\)/);
  expect(sources.get('produce-variants.ts')).toMatch(
    /executeChild\(produceEngine, \{[\s\S]*?\n {4}cancellationType: ChildWorkflowCancellationType\.WAIT_CANCELLATION_COMPLETED,[\s\S]*?\n {2}\}\);/,
  );
});

/** The files that call a function, once for each call. */
function callsOf(name: string): string[] {
  const call = new RegExp(`\\b${name}(<[^>]*>)?\\(`, 'g');
  return [...sources].flatMap(([file, text]) => [...text.matchAll(call)].map(() => file));
}

function filesWith(word: string): string[] {
  return [...sources].filter(([, text]) => new RegExp(`\\b${word}\\b`).test(text)).map(([file]) => file);
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}
