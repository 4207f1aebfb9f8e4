/** Major and minor of the first version number in a tool's own words. */
export function readVersion(words: string): string | undefined {
  return /\d+\.\d+(?:\.\d+)*/.exec(words)?.[0];
}

export function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [foundMajor = 0, foundMinor = 0] = version.split('.').map(Number);
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}
