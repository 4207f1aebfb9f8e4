import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildReport } from '../../core/reports/build-report.ts';
import { renderHtml } from '../../core/reports/render-html.ts';
import { chromiumArguments, findChromium } from '../../tools/find-chromium.ts';
import { sampleInput } from '../unit/core/reports/sample-input.ts';

const executablePath = await findChromium();
if (executablePath === null)
  process.stderr.write(
    '\nSKIPPED: chromium is not installed, so nobody looked at report.html (apt-get install chromium)\n',
  );

describe.skipIf(executablePath === null)('report.html in a browser', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'enginewright-report-'));
    await writeFile(join(folder, 'report.html'), renderHtml(buildReport(sampleInput)));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(['light', 'dark'] as const)(
    'shows every variant without errors or requests in %s',
    async (colorScheme) => {
      const browser = await chromium.launch({
        executablePath: executablePath ?? '',
        args: [...chromiumArguments],
      });
      try {
        const page = await browser.newPage({ colorScheme });
        const complaints: string[] = [];
        page.on('console', (message) => complaints.push(message.text()));
        page.on('pageerror', (error) => complaints.push(error.message));
        page.on('request', (request) => complaints.push(request.url()));
        const address = pathToFileURL(join(folder, 'report.html')).href;

        await page.goto(address);

        expect(complaints).toEqual([address]);
        for (const { name } of sampleInput.variants)
          expect(await page.getByText(name).first().isVisible()).toBe(true);
        const [ink, paper] = (await page.evaluate(
          `['color', 'backgroundColor'].map((name) => getComputedStyle(document.body)[name])`,
        )) as [string, string];
        expect(brightness(ink) > brightness(paper)).toBe(colorScheme === 'dark');
      } finally {
        await browser.close();
      }
    },
  );
});

/** Sum of the channels of `rgb(r, g, b)`. */
function brightness(color: string): number {
  return (color.match(/\d+/g) ?? []).reduce((sum, channel) => sum + Number(channel), 0);
}
