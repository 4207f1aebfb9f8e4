import { describe, expect, it } from 'vitest';
import { codeBlocks, createTypeCheck, withText, type Overlay } from './type-check.ts';

/** Each check parses and types what the files use, which is most of the repository. */
const slowMs = 180_000;
const typeCheck = createTypeCheck();

const artifact = 'core/domain/artifact.ts';
const contracts = 'activities/contracts.ts';
const registry = 'activities/registry.ts';
const story = 'workflows/produce-engine.ts';

describe('docs/adding-a-step.md', { timeout: slowMs }, () => {
  const [kind = '', contract = '', activity = '', listed = '', registered = '', told = '', ...more] =
    codeBlocks('docs/adding-a-step.md');
  const step: Overlay = {
    ...withText(artifact, [['artifactKinds = [\n', kind]]),
    'activities/count-words/contract.ts': contract,
    'activities/count-words/activity.ts': activity,
  };
  const list = withText(contracts, [
    ['\n', "import { countWords } from './count-words/contract.ts';\n"],
    ['  tryEngine,\n', listed],
  ]);
  const register = withText(registry, [
    ['\n', "import { createCountWords } from './count-words/activity.ts';\n"],
    ['    promote: createPromote(deps),\n', registered],
  ]);
  const tell = withText(story, [
    ['\n', "import { countWords } from '../activities/count-words/contract.ts';\n"],
    ['\n', "import { cpuQueue } from '../core/domain/queues.ts';\n"],
    ['outcome = { ...outcome, trial: tried.artifact };\n', told],
  ]);

  it('is a whole step when all of it is followed', () => {
    expect(more).toEqual([]);
    expect(typeCheck({ ...step, ...list, ...register, ...tell })).toEqual([]);
  });

  it('is refused in the workflow while the contract is not in the list', () => {
    const problems = typeCheck({ ...step, ...tell });

    expect(problems).toEqual([expect.stringMatching(`^${story}: .*"count-words"`)]);
  });

  it('is missed in the registry while no worker has it', () => {
    const problems = typeCheck({ ...step, ...list, ...withText(registry, []) });

    expect(problems).toEqual([expect.stringMatching(`^${registry}: .*count-words.* is missing`)]);
  });

  it('is refused by a worker of another kind than the contract names', () => {
    const elsewhere = withText(registry, [
      ['\n', "import { createCountWords } from './count-words/activity.ts';\n"],
      ["    'measure-engine': createMeasureEngine(deps),\n", registered],
    ]);

    expect(typeCheck({ ...step, ...list, ...elsewhere })).toEqual([
      expect.stringMatching(`^${registry}: .*count-words.* is missing`),
      expect.stringMatching(
        `^${registry}: .*'count-words'.* does not exist in type 'ActivitiesOf<"engine">'`,
      ),
    ]);
  });
});

describe('docs/adding-a-quantization.md', { timeout: slowMs }, () => {
  const [entry = '', member = '', options = '', spelling = '', ...more] = codeBlocks(
    'docs/adding-a-quantization.md',
  );
  const toolchain = 'core/catalog/toolchains/llama-cpp.ts';
  const method: Overlay = {
    'core/catalog/quantizations/ternary.ts': entry,
    ...withText('core/catalog/quantizations/registry.ts', [
      ['\n', "import { ternary } from './ternary.ts';\n"],
      ['export const quantizations = [', member],
      ["discriminatedUnion('method', [\n", options],
    ]),
  };

  it('is a whole method when all of it is followed', () => {
    const spelt = withText(toolchain, [['const quantizations = {\n', spelling]]);

    expect(more).toEqual([]);
    expect(typeCheck({ ...method, ...spelt })).toEqual([]);
  });

  it('is missed in every toolchain that does not answer for it', () => {
    const problems = typeCheck({ ...method, ...withText(toolchain, []) });

    // The table lacks it, and so the toolchain made of the table does.
    const missed = expect.stringMatching(`^${toolchain}: .*'ternary' is missing`);
    expect(problems).toEqual([missed, missed]);
  });
});
