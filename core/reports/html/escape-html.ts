/** Text that is markup already. Only `markup` makes it, so nothing else can pass unescaped. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = string | number | Markup | null | readonly Content[];

/** Template tag: every value is escaped, except markup made by this tag. Null renders nothing. */
export function markup(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  const parts = strings.map((literal, i) =>
    i < values.length ? literal + render(values[i] ?? null) : literal,
  );
  return new Markup(parts.join(''));
}

function render(content: Content): string {
  if (content === null) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'string' || typeof content === 'number') return escapeMarkup(String(content));
  return content.map(render).join('');
}

/**
 * Text as content or quoted attribute of HTML and XML. Characters that XML 1.0 forbids (controls, lone surrogates)
 * become U+FFFD.
 */
export function escapeMarkup(text: string): string {
  return text
    .replaceAll(forbidden, '\uFFFD')
    .replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`);
}

const forbidden = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;
