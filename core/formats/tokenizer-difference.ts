import type { TokenizerDifference } from '../domain/merge-report.ts';

/** A folder's tokenizer as far as it is compared. */
export interface TokenizerFacts {
  /** Token id → text. */
  readonly vocabulary: ReadonlyMap<number, string>;
  /** Parsed tokenizer_config.json, if there is one. */
  readonly config: unknown;
  /** chat_template.jinja, if there is one. */
  readonly template: string | undefined;
  /** Parsed chat_template.json, if there is one. */
  readonly templateFile?: unknown;
}

/** Roles of tokenizer_config.json (transformers `SpecialTokensMixin`). */
const roles = ['bos_token', 'eos_token', 'pad_token', 'unk_token', 'sep_token', 'cls_token', 'mask_token'];
const mostAdded = 20;

/** What taking the adapter's tokenizer instead of the base's changes. */
export function compareTokenizers(base: TokenizerFacts, adapter: TokenizerFacts): TokenizerDifference {
  const added = [...adapter.vocabulary].filter(([id]) => !base.vocabulary.has(id));
  const changed = [...adapter.vocabulary].filter(
    ([id, text]) => base.vocabulary.has(id) && base.vocabulary.get(id) !== text,
  );
  const removed = [...base.vocabulary.keys()].filter((id) => !adapter.vocabulary.has(id));
  const specialTokens = roles
    .map((role) => ({ role, from: textOfRole(base.config, role), to: textOfRole(adapter.config, role) }))
    .filter(({ from, to }) => from !== to);
  return {
    added: added.length,
    removed: removed.length,
    changed: changed.length,
    firstAdded: added.slice(0, mostAdded).map(([, text]) => text),
    specialTokens,
    chatTemplate: compareTemplates(templateOf(base), templateOf(adapter)),
  };
}

/** Ids that end a text by generation_config.json but not the adapter's end-of-text token. */
export function endsElsewhere(
  generation: unknown,
  { vocabulary, config }: TokenizerFacts,
): string | undefined {
  const eos = textOfRole(config, 'eos_token');
  const ids = [memberOf(generation, 'eos_token_id')].flat().filter((id) => typeof id === 'number');
  if (eos === null || ids.length === 0) return undefined;
  const wanted = [...vocabulary].find(([, text]) => text === eos)?.[0];
  if (wanted === undefined || ids.includes(wanted)) return undefined;
  return `generation_config.json ends a text at token ${ids.join(' or ')}, the adopted tokenizer at ${wanted} (${eos})`;
}

type Templates = Pick<TokenizerFacts, 'config' | 'template' | 'templateFile'>;

export function hasTemplate(facts: Templates): boolean {
  return templateOf(facts) !== undefined;
}

function templateOf({ config, template, templateFile }: Templates): string | undefined {
  if (template !== undefined) return template;
  const inConfig = memberOf(templateFile, 'chat_template') ?? memberOf(config, 'chat_template');
  return inConfig === undefined || inConfig === null ? undefined : JSON.stringify(inConfig);
}

function compareTemplates(
  from: string | undefined,
  to: string | undefined,
): TokenizerDifference['chatTemplate'] {
  if (from === undefined) return to === undefined ? 'same' : 'added';
  if (to === undefined) return 'removed';
  return normalise(from) === normalise(to) ? 'same' : 'changed';
}

/** In tokenizer_config.json the template is a JSON text, in chat_template.jinja it is bare. */
function normalise(template: string): string {
  try {
    const value: unknown = JSON.parse(template);
    return typeof value === 'string' ? value : template;
  } catch {
    return template;
  }
}

export function textOfRole(config: unknown, role: string): string | null {
  const token = memberOf(config, role);
  const text = typeof token === 'string' ? token : memberOf(token, 'content');
  return typeof text === 'string' ? text : null;
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([name]) => name === key)?.[1]
    : undefined;
}
