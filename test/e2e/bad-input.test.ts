import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Client, Connection } from '@temporalio/client';
import { stringify } from 'yaml';
import { failures, isFailureName, type FailureName } from '../../core/domain/failures.ts';
import { startLoopbackHub } from '../../system/loopback-hub/start-loopback-hub.ts';
import { cutAfter, startUnrulyHub, type Fault, type Visit } from '../fixtures/unruly-hub.ts';
import { faultsOfStore } from './harness/check-store.ts';
import { runCli, type CliEnd, type CliOptions } from './harness/cli.ts';
import { copyRepository, makePlace, type Place } from './harness/place.ts';
import { smallRecipe, writeRecipe, type RecipeText } from './harness/recipe.ts';
import { runRecipe } from './harness/runs.ts';
import { mayMount, mountSmallDisk } from './harness/small-disk.ts';
import { startUp, type RunningStack } from './harness/stack.ts';

/** Looks like a token, and like nothing else that a run writes. */
const secret = 'hf_MarkedSecretThatMustNotBeSeen0123456789';

let place: Place;
let stack: RunningStack;
let options: CliOptions;

beforeAll(async () => {
  place = await makePlace();
  options = { home: place.home, cwd: place.folder };
  stack = await startUp(['--hub', place.hub], { ...options, env: { HF_TOKEN: secret } });
});

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await place?.[Symbol.asyncDispose]();
});

/** How a refusal reads: the named failures on stderr, what is on stdout, and any stack trace. */
function refusalIn({ exitCode, stdout, stderr }: CliEnd): object {
  const lines = stderr.split('\n');
  const said = lines.filter((line) => isFailureName(/^(\w+): /.exec(line)?.[1] ?? ''));
  // Without a named failure everything is shown, so that a test that fails tells why.
  return {
    exitCode,
    stdout,
    said: said.length === 0 ? lines : said,
    trace: lines.filter((line) => /^\s+at /.test(line)),
  };
}

/** One sentence under the failure's name, the exit code of its row, nothing on stdout, no stack trace. */
function refusedAs(name: FailureName, message: RegExp): object {
  const sentence = expect.stringMatching(new RegExp(`^${name}: .*${message.source}`)) as string;
  return { exitCode: failures[name].exit, stdout: '', said: [sentence], trace: [] };
}

const single = {
  name: 'single',
  model: smallRecipe.model,
  baseline: 'f16',
  variants: { f16: smallRecipe.variants.f16 },
};

describe('a recipe with a mistake', () => {
  const refusalOf = async (recipe: RecipeText | string): Promise<CliEnd> => {
    const end = await runCli(['plan', await writeRecipe(place.recipes, 'wrong', recipe)], options);
    expect(await faultsOfStore(place.home)).toEqual([]);
    return end;
  };
  /** The recipe as text, with one piece of it replaced. */
  const withText = (from: string | RegExp, to: string): string => stringify(smallRecipe).replace(from, to);

  it('hears line, column and the nearest spelling of a misspelt key', async () => {
    const end = await refusalOf(withText('baseline:', 'basline:'));

    const line = stringify(smallRecipe).split('\n').indexOf('baseline: f16') + 1;
    expect(refusalIn(end)).toEqual(
      refusedAs(
        'RecipeInvalid',
        new RegExp(`wrong.yaml:${line}:1: unknown key 'basline': did you mean 'baseline'`),
      ),
    );
  });

  it('hears the keys that are known where it names one that resembles none', async () => {
    expect(refusalIn(await refusalOf(`${stringify(single)}zebra: 1\n`))).toEqual(
      refusedAs('RecipeInvalid', /:1: unknown key 'zebra'; known here: name, model/),
    );
  });

  it('hears what type a value must have', async () => {
    const end = await refusalOf(withText('samples: 4', 'samples: many'));

    expect(refusalIn(end)).toEqual(refusedAs('RecipeInvalid', /wrong\.yaml:\d+:\d+: .*samples.* a number/));
  });

  it('hears where its YAML stops being YAML', async () => {
    expect(refusalIn(await refusalOf('name: [unclosed\n'))).toEqual(
      refusedAs('RecipeInvalid', /wrong\.yaml:\d+:\d+: /),
    );
  });

  it.each<[string, object, RegExp]>([
    [
      'a group size its toolchain does not have',
      {
        variants: {
          ...smallRecipe.variants,
          int4: { quantization: { method: 'weight-only', bits: 4, group: 64 } },
        },
      },
      /variant int4: llama-cpp has no 4 bit format with groups of 64; it has groups of 32 and 256/,
    ],
    ['a baseline that is no variant', { baseline: 'f17' }, /the baseline 'f17' is no variant/],
    [
      'divergence without a text',
      { evaluation: { divergence: true } },
      /divergence needs the text of evaluation\.perplexity/,
    ],
  ])('is refused for %s', async (_, change, message) => {
    const end = await refusalOf({ ...smallRecipe, ...change });

    expect(refusalIn(end)).toEqual(refusedAs('RecipeImpossible', message));
    expect(end.stderr).toMatch(/wrong\.yaml:\d+:\d+: /);
  });

  it('is missed by its path when it is not there', async () => {
    expect(refusalIn(await runCli(['run', 'nowhere.yaml'], options))).toEqual(
      refusedAs('RecipeMissing', /nowhere\.yaml/),
    );
  });
});

describe('a dataset with a mistake', () => {
  const refusalOf = async (lines: string): Promise<CliEnd> => {
    await writeFile(join(place.recipes, 'data', 'wrong.jsonl'), lines);
    const summarize = { ...smallRecipe.evaluation.summarize, dataset: 'file:data/wrong.jsonl' };
    const file = await writeRecipe(place.recipes, 'wrong', { ...smallRecipe, evaluation: { summarize } });
    const end = await runCli(['run', file], options);
    expect(await faultsOfStore(place.home)).toEqual([]);
    return end;
  };
  const good = '{"id": "a", "document": "Some text.", "reference": "Text."}\n';

  it('is missed where the recipe names it', async () => {
    const summarize = { ...smallRecipe.evaluation.summarize, dataset: 'file:data/absent.jsonl' };
    const file = await writeRecipe(place.recipes, 'wrong', { ...smallRecipe, evaluation: { summarize } });

    expect(refusalIn(await runCli(['run', file], options))).toEqual(
      refusedAs('DatasetMissing', /wrong\.yaml:\d+:\d+: .*absent\.jsonl/),
    );
  });

  it('is refused when it is empty', async () => {
    expect(refusalIn(await refusalOf('\n\n'))).toEqual(
      refusedAs('DatasetEmpty', /wrong\.yaml:\d+:\d+: wrong\.jsonl holds no sample/),
    );
  });

  it('is refused with the number of the line that is no JSON', async () => {
    expect(refusalIn(await refusalOf(`${good}{"id": "b", "document": \n`))).toEqual(
      refusedAs('DatasetInvalid', /wrong\.jsonl:2 is no JSON/),
    );
  });

  it('is refused with the number of the line that lacks a field', async () => {
    expect(refusalIn(await refusalOf(`${good}\n{"document": "Only text."}\n`))).toEqual(
      refusedAs('DatasetInvalid', /wrong\.jsonl:3: 'reference'/),
    );
  });
});

describe('a command line with a mistake', () => {
  it.each<[string[], FailureName, RegExp]>([
    [['rnu'], 'UsageInvalid', /no verb 'rnu': did you mean run\?/],
    [['run', 'x.yaml', '--detahc'], 'UsageInvalid', /unknown flag --detahc: did you mean --detach\?/],
    [['run'], 'UsageInvalid', /run needs RECIPE/],
    [['run', 'a.yaml', 'b.yaml'], 'UsageInvalid', /'b\.yaml'/],
    [['runs', '--limit', 'few'], 'UsageInvalid', /--limit/],
    [['show', 'no-such-run'], 'RunMissing', /no run no-such-run/],
    [['cancel', 'no-such-run'], 'RunMissing', /no run no-such-run/],
    [['runs', '--address', '127.0.0.1:1'], 'ServerUnreachable', /127\.0\.0\.1:1/],
    [['generate', 'no-such-alias', '--prompt', 'x'], 'ArtifactMissing', /no-such-alias/],
  ])('%j is refused as %s', async (args, name, message) => {
    expect(refusalIn(await runCli(args, options))).toEqual(refusedAs(name, message));
  });

  it('is refused as JSON too when JSON is asked for', async () => {
    const { stdout, exitCode } = await runCli(['show', 'no-such-run', '--json'], options);

    expect(JSON.parse(stdout)).toMatchObject({
      error: { name: 'RunMissing', message: 'there is no run no-such-run' },
    });
    expect(exitCode).toBe(66);
  });

  it('is refused when a port it names is in use', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => void listener.once('listening', resolve));
    const { port } = listener.address() as { port: number };

    const end = await runCli(['up', '--port', String(port)], { home: join(place.folder, 'second-home') });

    expect(refusalIn(end)).toEqual(refusedAs('PortTaken', new RegExp(`port ${port} on 127.0.0.1 is in use`)));
    await new Promise((resolve) => void listener.close(resolve));
  });

  it('is refused when a port it names is none', async () => {
    const end = await runCli(['up', '--port', '99999'], { home: join(place.folder, 'second-home') });

    expect(refusalIn(end)).toEqual(refusedAs('UsageInvalid', /--port/));
  });

  it('is refused when it names no server and none runs', async () => {
    expect(refusalIn(await runCli(['runs'], { home: join(place.folder, 'third-home') }))).toEqual(
      refusedAs('ServerUnreachable', /nothing runs in/),
    );
  });
});

describe('a source that cannot be had', () => {
  afterEach(async () => {
    const faults = await faultsOfStore(place.home);
    if (faults.length > 0) throw new Error(faults.join('; '));
  });

  const runWith = async (recipe: RecipeText, endpoint?: string): Promise<CliEnd> => {
    const file = await writeRecipe(place.recipes, recipe.name, recipe);
    return runCli(['run', file], {
      ...options,
      ...(endpoint === undefined ? {} : { env: { HF_ENDPOINT: endpoint } }),
    });
  };

  it('is named when the repository does not exist', async () => {
    const end = await runWith({ ...single, model: { source: 'hf:sample/no-such-model' } });

    expect(refusalIn(end)).toEqual(refusedAs('RepositoryMissing', /sample\/no-such-model/));
  });

  it('is named with the revision that does not exist', async () => {
    const end = await runWith({ ...single, model: { ...single.model, revision: 'no-such-branch' } });

    expect(refusalIn(end)).toEqual(
      refusedAs('RevisionMissing', /sample\/sample-llama has no revision no-such-branch/),
    );
  });

  it('is named when the folder does not exist', async () => {
    expect(refusalIn(await runWith({ ...single, model: { source: 'file:nowhere' } }))).toEqual(
      refusedAs('RepositoryMissing', /nowhere/),
    );
  });

  it('is named when the folder holds no weights', async () => {
    await mkdir(join(place.recipes, 'no-weights'), { recursive: true });
    await writeFile(join(place.recipes, 'no-weights', 'config.json'), '{}');

    expect(refusalIn(await runWith({ ...single, model: { source: 'file:no-weights' } }))).toEqual(
      refusedAs('SnapshotEmpty', /no-weights/),
    );
  });

  it('is named when it is gated and the account has not accepted its licence', async () => {
    const gated = ['sample/sample-llama'];
    await using hub = await startLoopbackHub({ root: place.hub, gated, tokens: { [secret]: [] } });

    const end = await runWith(single, hub.endpoint);

    expect(refusalIn(end)).toEqual(refusedAs('AccessDenied', /sample\/sample-llama is gated \(403\)/));
    expect(end.stderr).not.toContain(secret);
  });

  it('is named when the token is not known to the hub', async () => {
    await using hub = await startLoopbackHub({ root: place.hub, tokens: { hf_other: [] } });

    expect(refusalIn(await runWith(single, hub.endpoint))).toEqual(refusedAs('AccessDenied', /401/));
  });

  it('is named when the adapter was made for another base', async () => {
    await copyRepository(join(place.hub, 'lora-summarise'), join(place.recipes, 'lora-foreign'));
    const file = join(place.recipes, 'lora-foreign', 'adapter_model.safetensors');
    await writeFile(file, withHalvedColumns(await readFile(file)));

    const end = await runWith({ ...single, adapters: [{ source: 'file:lora-foreign' }] });

    expect(refusalIn(end)).toEqual(refusedAs('AdapterMismatch', /./));
  });
});

// Each of these waits for the retries that a bad network deserves, so they wait together.
describe.concurrent('a network that fails', () => {
  const names = ['cut', 'altered', 'passing'] as const;
  const runAgainst = async (name: (typeof names)[number], fault: Fault): Promise<CliEnd> => {
    // Weights of its own, so that nothing fetched before can stand in for them.
    const root = join(place.folder, name, 'sample');
    await copyRepository(join(place.hub, 'sample-llama'), join(root, 'sample-llama'));
    await changeLastByte(
      join(root, 'sample-llama', 'model-00002-of-00002.safetensors'),
      1 + names.indexOf(name),
    );
    await using hub = await startUnrulyHub({ root, tokens: { [secret]: [] } }, fault);
    const file = await writeRecipe(place.recipes, name, { ...single, name });
    return await runCli(['run', file], { ...options, env: { HF_ENDPOINT: hub.endpoint } });
  };

  it('is reported as an unreachable hub', async () => {
    const file = await writeRecipe(place.recipes, 'unreachable', { ...single, name: 'unreachable' });

    const end = await runCli(['plan', file], { ...options, env: { HF_ENDPOINT: 'http://127.0.0.1:1' } });

    expect(refusalIn(end)).toEqual(refusedAs('HubUnreachable', /127\.0\.0\.1:1/));
  });

  it('is reported when a download is cut every time', async () => {
    const end = await runAgainst(
      'cut',
      async (visit, response) => isDownload(visit) && cutAfter(1000, visit, response),
    );

    expect(refusalIn(end)).toEqual(refusedAs('DownloadTruncated', /model-0000\d-of-00002\.safetensors/));
  });

  it('is reported when a download has other bytes than the hub announced', async () => {
    const end = await runAgainst('altered', async (visit, response) => {
      if (!isDownload(visit)) return false;
      const { status, headers, body } = await visit.original();
      body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
      response.writeHead(status, headers).end(body);
      return true;
    });

    expect(refusalIn(end)).toEqual(refusedAs('DownloadCorrupt', /model-0000\d-of-00002\.safetensors/));
  });

  it('is not noticed by the user when it passes', async () => {
    let cuts = 0;
    const end = await runAgainst('passing', async (visit, response) => {
      if (!isDownload(visit) || cuts >= 2) return false;
      cuts++;
      return cutAfter(100_000, visit, response);
    });

    expect(cuts).toBe(2);
    expect(end).toMatchObject({ exitCode: 0 });
  });
});

it('has left nothing half-written after all of it', async () => {
  expect(await faultsOfStore(place.home)).toEqual([]);
});

describe('a store that cannot be written', () => {
  const recipeOf = (): Promise<string> =>
    writeRecipe(place.recipes, 'summaries', { ...smallRecipe, name: 'summaries' });

  it('is named when a file is in its place', async () => {
    const home = join(place.folder, 'blocked-home');
    await mkdir(home);
    await writeFile(join(home, 'store'), '');

    expect(refusalIn(await runCli(['run', await recipeOf()], { home }))).toEqual(
      refusedAs('StoreUnwritable', /blocked-home/),
    );
  });

  it.runIf(mayMount)('is named when its file system is read-only', async () => {
    const home = join(place.folder, 'read-only-home');
    await using disk = await mountSmallDisk(join(home, 'store'), 1 << 20);
    await disk.makeReadOnly();

    expect(refusalIn(await runCli(['run', await recipeOf()], { home }))).toEqual(
      refusedAs('StoreUnwritable', /read-only-home/),
    );
  });

  it.runIf(mayMount)(
    'is named when its disk is full, and the next run goes on once there is room',
    async () => {
      const home = join(place.folder, 'full-home');
      await using disk = await mountSmallDisk(join(home, 'store'), 6 << 20);
      await using _own = await startUp(['--hub', place.hub], { home });
      const file = await writeRecipe(place.recipes, 'full', { ...single, name: 'full' });

      const full = await runCli(['run', file], { home });

      expect(refusalIn(full)).toEqual(refusedAs('DiskFull', /full-home/));
      expect(await faultsOfStore(home)).toEqual([]);

      await disk.resize(200 << 20);
      const { end, document } = await runRecipe(file, { home });

      expect(end.exitCode).toBe(0);
      expect(document.variants[0]?.engine).toMatch(/^[0-9a-f]{64}$/);
      expect(await faultsOfStore(home)).toEqual([]);
    },
  );
});

it('uses the token of a gated repository, and writes it down nowhere', async () => {
  const gated = ['sample/sample-llama'];
  const root = join(place.folder, 'gated', 'sample');
  await copyRepository(join(place.hub, 'sample-llama'), join(root, 'sample-llama'));
  await changeLastByte(join(root, 'sample-llama', 'model-00002-of-00002.safetensors'), 9);
  await using hub = await startLoopbackHub({ root, gated, tokens: { [secret]: gated } });
  const env = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: secret };
  const file = await writeRecipe(place.recipes, 'gated', { ...single, name: 'gated' });

  const { end, document } = await runRecipe(file, { ...options, env });
  const shown = await runCli(['show', document.run, '--json'], options);

  expect(end.exitCode).toBe(0);
  for (const text of [end.stdout, end.stderr, shown.stdout, stack.output()])
    expect(text).not.toContain(secret);
  expect(await historyOf(document.run)).not.toContain(secret);
  expect(await filesWith(secret, place.home)).toEqual([]);
  // The search itself must be able to find something, also in the database or its write-ahead log.
  expect(await filesWith(document.run, place.home)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^temporal\.db/)]),
  );
});

const isDownload = ({ host, method }: Visit): boolean => host === 'content' && method === 'GET';

async function changeLastByte(file: string, by: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[bytes.length - 2] = (bytes.at(-2) ?? 0) ^ by;
  await writeFile(file, bytes);
}

/** The run's events as Temporal would export them. */
async function historyOf(run: string): Promise<string> {
  const { address, namespace } = await stack.record();
  const connection = await Connection.connect({ address });
  try {
    const history = await new Client({ connection, namespace }).workflow.getHandle(run).fetchHistory();
    // Payloads are bytes: as JSON they would be base64, which hides what they say.
    return JSON.stringify(history, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    );
  } finally {
    await connection.close();
  }
}

async function filesWith(text: string, folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found: string[] = [];
  for (const file of files)
    if ((await readFile(file)).includes(text)) found.push(file.slice(folder.length + 1));
  return found;
}

/** An adapter whose A matrices expect half as many inputs as the sample's layers have. */
function withHalvedColumns(file: Buffer): Buffer {
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, 8 + length).toString('utf8')) as Record<
    string,
    { shape?: number[] }
  >;
  for (const [name, { shape }] of Object.entries(header)) {
    // The same bytes read as twice as many rows: the file stays valid, the shape is another model's.
    if (name.includes('lora_A') && shape?.[0] !== undefined && shape[1] !== undefined)
      header[name] = { ...header[name], shape: [shape[0] * 2, shape[1] / 2] };
  }
  const text = Buffer.from(JSON.stringify(header).padEnd(length));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, file.subarray(8 + length)]);
}
