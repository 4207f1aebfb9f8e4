import { HubRefusal } from './hub-refusal.ts';

export interface AccessRules {
  /** Known tokens, each with the gated repositories whose licence its account accepted. */
  readonly tokens?: { readonly [token: string]: readonly string[] };
  /** Repositories whose files need an accepted licence. Their listings stay public, as on the real hub. */
  readonly gated?: readonly string[];
}

/**
 * Throws 401 for a token nobody knows; the hub does so even for public repositories. A hub without accounts takes no
 * notice of tokens: the shell of most users holds one for another hub.
 */
export function identify(authorization: string | undefined, { tokens }: AccessRules): string | undefined {
  if (authorization === undefined || tokens === undefined) return undefined;
  const token = /^Bearer (.+)$/i.exec(authorization)?.[1];
  if (token !== undefined && Object.hasOwn(tokens, token)) return token;
  throw new HubRefusal(401, 'Invalid credentials in Authorization header');
}

/** Throws the hub's GatedRepo refusals: 401 to strangers, 403 to accounts that have not accepted the licence. */
export function checkMayRead(
  repo: string,
  token: string | undefined,
  { tokens = {}, gated = [] }: AccessRules,
): void {
  if (!gated.includes(repo)) return;
  if (token === undefined) {
    const message = `Access to model ${repo} is restricted. You must have access to it and be authenticated to access it. Please log in.`;
    throw new HubRefusal(401, message, { code: 'GatedRepo' });
  }
  if (tokens[token]?.includes(repo) === true) return;
  throw new HubRefusal(403, `Access to model ${repo} is restricted and you are not in the authorized list.`, {
    code: 'GatedRepo',
  });
}
