import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface HubSettings {
  /** Without a trailing slash. */
  readonly endpoint: string;
  /** The folder that holds `models--<org>--<name>`. */
  readonly cacheFolder: string;
  readonly token?: string;
  /** Only the cache may be used. */
  readonly offline: boolean;
}

export type Environment = { readonly [name: string]: string | undefined };

/**
 * The settings Hugging Face's own tools read from the environment, with their precedence
 * (huggingface_hub, "Environment variables"):
 * endpoint `HF_ENDPOINT`; cache `HF_HUB_CACHE` > `HUGGINGFACE_HUB_CACHE` > `HF_HOME/hub` >
 * `XDG_CACHE_HOME/huggingface/hub` > `~/.cache/huggingface/hub`; token `HF_TOKEN` > `HUGGING_FACE_HUB_TOKEN` > the
 * file `HF_TOKEN_PATH` (default `HF_HOME/token`), unless `HF_HUB_DISABLE_IMPLICIT_TOKEN` is set.
 * offline `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`. An empty variable counts as unset. Reads nothing but the token file.
 */
export async function hubSettings(environment: Environment): Promise<HubSettings> {
  const home = read(environment, 'HOME') ?? homedir();
  const path = (name: string): string | undefined => read(environment, name)?.replace(/^~(?=\/|$)/, home);
  const hfHome = path('HF_HOME') ?? join(path('XDG_CACHE_HOME') ?? join(home, '.cache'), 'huggingface');
  const token = await findToken(environment, path('HF_TOKEN_PATH') ?? join(hfHome, 'token'));
  return {
    endpoint: (read(environment, 'HF_ENDPOINT') ?? 'https://huggingface.co').replace(/\/+$/, ''),
    cacheFolder: path('HF_HUB_CACHE') ?? path('HUGGINGFACE_HUB_CACHE') ?? join(hfHome, 'hub'),
    offline: ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'].some((name) => isOn(environment, name)),
    ...(token === undefined ? {} : { token }),
  };
}

async function findToken(environment: Environment, file: string): Promise<string | undefined> {
  if (isOn(environment, 'HF_HUB_DISABLE_IMPLICIT_TOKEN')) return undefined;
  const named = read(environment, 'HF_TOKEN') ?? read(environment, 'HUGGING_FACE_HUB_TOKEN');
  if (named !== undefined) return named;
  const text = await readFile(file, 'utf8').catch(() => '');
  return read({ text }, 'text');
}

/** huggingface_hub's spellings of yes. */
function isOn(environment: Environment, name: string): boolean {
  return /^(1|on|yes|true)$/i.test(read(environment, name) ?? '');
}

/** Tokens pasted into secret stores often end with a newline. */
function read(environment: Environment, name: string): string | undefined {
  const value = environment[name]?.trim();
  return value === '' ? undefined : value;
}
