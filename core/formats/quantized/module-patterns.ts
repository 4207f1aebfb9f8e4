/**
 * Whether a person's pattern means a module: `*` stands for anything, and leading parts may be left out, so `down_proj`
 * means the one of every layer and `layers.0.*` all of the first.
 */
export function isMeant(module: string, pattern: string): boolean {
  const body = pattern.split('*').map(escapeLiteral).join('[^]*');
  return new RegExp(`(?:^|\\.)${body}$`).test(module);
}

function escapeLiteral(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\/]/g, String.raw`\$&`);
}
