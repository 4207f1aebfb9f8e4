/** An exit in words: tools that are killed for memory end by SIGKILL or, inside containers, with 137. */
export function describeExit(exitCode: number | undefined, signal: string | undefined): string {
  if (signal === 'SIGKILL' || exitCode === 137) return 'was killed (SIGKILL; out of memory looks like this)';
  if (signal !== undefined) return `was ended by ${signal}`;
  if (exitCode === undefined) return 'did not start';
  return `ended with exit code ${exitCode}`;
}
