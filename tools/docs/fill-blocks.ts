/**
 * Replaces what stands between `<!-- generated: NAME -->` and `<!-- end -->`, so that a hand-written page can hold
 * a table that cannot lie. Throws when a marked block has no content, or a content no block.
 */
export function fillBlocks(page: string, blocks: Readonly<Record<string, string>>): string {
  const filled = new Set<string>();
  const text = page.replaceAll(
    /(?<=<!-- generated: ([\w-]+) -->\n)[^]*?(?=<!-- end -->)/g,
    (_, name: string) => {
      const content = blocks[name];
      if (content === undefined) throw new Error(`nothing generates the block '${name}'`);
      filled.add(name);
      return `\n${content}\n\n`;
    },
  );
  const homeless = Object.keys(blocks).filter((name) => !filled.has(name));
  if (homeless.length > 0) throw new Error(`the page has no block for ${homeless.join(', ')}`);
  return text;
}
