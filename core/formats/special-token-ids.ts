import { textOfRole, type TokenizerFacts } from './tokenizer-difference.ts';

const roles = ['eos', 'bos', 'pad'] as const;

/** A special token that another tokenizer puts elsewhere. */
export interface MovedToken {
  readonly role: (typeof roles)[number];
  readonly text: string;
  readonly id: number;
}

type Fields = { readonly [key: string]: unknown };

/** Roles whose token has another id in `chosen` than in `base`; one that `chosen` does not know has not moved. */
export function movedTokens(base: TokenizerFacts, chosen: TokenizerFacts): MovedToken[] {
  return roles.flatMap((role) => {
    const text = textOfRole(chosen.config, `${role}_token`);
    const id = text === null ? undefined : idOf(chosen, text);
    const before = textOfRole(base.config, `${role}_token`);
    const isMoved = id !== undefined && id !== (before === null ? undefined : idOf(base, before));
    return isMoved && text !== null ? [{ role, text, id }] : [];
  });
}

function idOf({ vocabulary }: TokenizerFacts, text: string): number | undefined {
  for (const [id, token] of vocabulary) if (token === text) return id;
  return undefined;
}

export interface ChangedIds {
  readonly config: Fields;
  /** One sentence for each id that changed. */
  readonly changes: readonly string[];
}

/**
 * A parsed config.json or generation_config.json with the ids of moved tokens where it states ids, also one level down.
 * Where several ids end a text the new one is added: the others still do.
 */
export function moveTokenIds(config: Fields, moved: readonly MovedToken[], file: string): ChangedIds {
  const changes: string[] = [];
  const changed = Object.fromEntries(
    Object.entries(config).map(([key, value]) => {
      if (key === 'text_config' && isFields(value)) {
        const inner = moveTokenIds(value, moved, file);
        changes.push(...inner.changes);
        return [key, inner.config];
      }
      const token = moved.find(({ role }) => key === `${role}_token_id`);
      const next = token === undefined ? value : withId(value, token.id);
      if (next !== value)
        changes.push(
          `${file}: ${key} ${JSON.stringify(value)} is now ${JSON.stringify(next)} (${token?.text})`,
        );
      return [key, next];
    }),
  );
  return { config: changed, changes };
}

function withId(value: unknown, id: number): unknown {
  if (Array.isArray(value)) return value.includes(id) ? value : [...value, id];
  return value === id ? value : id;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
