import { describe, expect, it } from 'vitest';
import { LogMarks, logMarkOf } from '../../../../../system/toolchains/llama-cpp/log-mark.ts';

describe('the marks in a child’s log', () => {
  it('are told from lines of the log', () => {
    const marks = new LogMarks();

    expect(marks.take('llama_model_loader: answered 3')).toBe(false);
    expect(marks.take(logMarkOf(3))).toBe(true);
  });

  it('let a failure go on once its own has come, however early', async () => {
    const marks = new LogMarks();
    marks.take(logMarkOf(4));

    await expect(marks.wait(3)).resolves.toBeUndefined();
    await expect(marks.wait(4)).resolves.toBeUndefined();
  });

  it('hold a failure back until then', async () => {
    const marks = new LogMarks();
    const heard: string[] = [];
    const waiting = marks.wait(2).then(() => heard.push('failure'));

    marks.take(logMarkOf(1));
    await Promise.resolve();
    heard.push('last line');
    marks.take(logMarkOf(2));
    await waiting;

    expect(heard).toEqual(['last line', 'failure']);
  });

  it('hold nothing back when the log has ended', async () => {
    const marks = new LogMarks();
    const waiting = marks.wait(1);
    marks.end();

    await expect(waiting).resolves.toBeUndefined();
    await expect(marks.wait(2)).resolves.toBeUndefined();
  });
});
