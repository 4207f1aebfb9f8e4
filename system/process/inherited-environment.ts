/**
 * What every tool is given of our environment: where programs are, and where the user's own settings are. Anything
 * else is listed by who starts the tool, so that a run does not depend on the shell it was started from.
 */
export function inheritedEnvironment(): { readonly PATH: string; readonly HOME: string } {
  return { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
}
