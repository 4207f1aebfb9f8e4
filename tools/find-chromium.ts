import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** A browser that looks at one page: no sandbox (containers run as root), and nothing that calls home. */
export const chromiumArguments = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
] as const;

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** Path of an installed Chromium; null when there is none. `CHROMIUM` names one in another place. */
export async function findChromium(): Promise<string | null> {
  const given = process.env['CHROMIUM'];
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const candidates = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  for (const path of given === undefined ? candidates : [given]) {
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return null;
}
