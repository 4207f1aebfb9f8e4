import type { Json } from '../../domain/json.ts';
import { type AddedToken, readSpecialTexts } from './added-tokens.ts';
import { asList, asObject, countMember, flagMember, memberOf, textMember } from './json-members.ts';
import {
  type ModelTokens,
  type SpecialRole,
  specialRoles,
  type TokenizerFiles,
  tokenizerUnsupported,
  type Vocabulary,
} from './vocabulary.ts';

type SpecialTokens = Pick<Vocabulary, 'special' | 'addBos' | 'addEos' | 'addSpacePrefix' | 'chatTemplates'>;

/**
 * Which ids have special roles and which of them are put around a text. A role's text in tokenizer_config.json wins
 * over its id in config.json; `add_bos_token` wins over the template of tokenizer.json.
 */
export function readSpecialTokens(
  files: TokenizerFiles,
  model: ModelTokens,
  added: ReadonlyMap<number, AddedToken>,
): SpecialTokens {
  const texts = new Map(readSpecialTexts(files.config));
  const template = readTemplate(files.tokenizer);
  adoptTemplate(texts, template);
  const special = new Map<SpecialRole, number>();
  for (const role of specialRoles) {
    const id = idOfText(texts.get(role), added) ?? idInConfig(model.config, role);
    if (id !== undefined && id < model.vocabularySize) special.set(role, id);
  }
  const addBos = flagMember(files.config, 'add_bos_token') ?? template.adds.bos;
  const addEos = flagMember(files.config, 'add_eos_token') ?? template.adds.eos;
  const addSpacePrefix = flagMember(files.config, 'add_prefix_space');
  return {
    special,
    ...(addBos === undefined ? {} : { addBos }),
    ...(addEos === undefined ? {} : { addEos }),
    ...(addSpacePrefix === undefined ? {} : { addSpacePrefix }),
    chatTemplates: readChatTemplates(files),
  };
}

interface Template {
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly adds: { readonly bos: boolean | undefined; readonly eos: boolean | undefined };
}

/** The `TemplateProcessing` step of tokenizer.json: at most one token before and one after the text. */
function readTemplate(tokenizer: Json | undefined): Template {
  const processor = memberOf(tokenizer, 'post_processor');
  const steps =
    textMember(processor, 'type') === 'Sequence' ? asList(memberOf(processor, 'processors')) : [processor];
  const single = steps
    .filter((step) => textMember(step, 'type') === 'TemplateProcessing')
    .flatMap((step) => asList(memberOf(step, 'single')));
  const at = single.findIndex((piece) => memberOf(piece, 'Sequence') !== undefined);
  if (single.length > 0 && (at > 1 || single.length - at > 2)) {
    throw tokenizerUnsupported(
      'the tokenizer adds more than one token before or after a text, llama.cpp adds at most one',
    );
  }
  const first = at === 1 ? specialText(single[0]) : undefined;
  const last = single.length - at === 2 ? specialText(single.at(-1)) : undefined;
  return {
    first,
    last,
    adds: { bos: first === undefined ? undefined : true, eos: last === undefined ? undefined : true },
  };
}

function specialText(piece: Json | undefined): string | undefined {
  return textMember(memberOf(piece, 'SpecialToken'), 'id');
}

/** llama.cpp can only add bos before and eos after a text, so the template's tokens must be these. */
function adoptTemplate(texts: Map<SpecialRole, string>, template: Template): void {
  for (const [role, text] of [['bos', template.first] as const, ['eos', template.last] as const]) {
    if (text === undefined) continue;
    const named = texts.get(role);
    if (named !== undefined && named !== text) {
      throw tokenizerUnsupported(
        `the tokenizer adds ${text} to every text, but its ${role} token is ${named}`,
      );
    }
    texts.set(role, text);
  }
}

function idOfText(text: string | undefined, added: ReadonlyMap<number, AddedToken>): number | undefined {
  if (text === undefined) return undefined;
  for (const token of added.values()) if (token.text === text) return token.id;
  return undefined;
}

/** Where config.json lists several end tokens the first is the main one. */
function idInConfig(config: Json, role: SpecialRole): number | undefined {
  const key = `${role}_token_id`;
  const [first] = asList(memberOf(config, key));
  return typeof first === 'number' ? first : countMember(config, key);
}

function readChatTemplates(files: TokenizerFiles): Vocabulary['chatTemplates'] {
  const member = memberOf(files.config, 'chat_template') ?? files.chatTemplate;
  if (typeof member === 'string') return [{ name: 'default', template: member }];
  return asList(member).flatMap((entry) => {
    const [name, template] = [textMember(entry, 'name'), textMember(entry, 'template')];
    return asObject(entry) === undefined || name === undefined || template === undefined
      ? []
      : [{ name, template }];
  });
}
