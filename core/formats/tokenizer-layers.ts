import { hasTemplate, type TokenizerFacts } from './tokenizer-difference.ts';
import { bringsVocabulary, isVocabularyPart } from './tokenizer-vocabulary.ts';

/** File name → the folder it is taken from. */
export type LayeredFiles = ReadonlyMap<string, string>;

const config = 'tokenizer_config.json';
const added = 'added_tokens.json';

/**
 * The tokenizer files of a model once an adapter's lie over them. A vocabulary is taken with all that belongs to it and
 * never mixed with another; a whole tokenizer, one with its config, takes the place of the other one altogether.
 */
export function layerTokenizers(
  below: LayeredFiles,
  own: LayeredFiles,
  facts: Pick<TokenizerFacts, 'config' | 'template' | 'templateFile'>,
): LayeredFiles {
  const brings = bringsVocabulary([...own.keys()]);
  if (brings && own.has(config)) return own;
  const kept = [...below].filter(([name]) => {
    if (brings && isVocabularyPart(name)) return false;
    // A template in a file of its own goes before one in the config: an older one must not outlive a newer.
    return !(name.startsWith('chat_template.') && hasTemplate(facts));
  });
  const taken = [...own].filter(([name]) => name !== added || brings || !below.has('tokenizer.json'));
  return new Map([...kept, ...taken]);
}
