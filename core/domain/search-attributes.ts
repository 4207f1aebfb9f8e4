/**
 * What a run can be searched by in the Temporal UI. SQL visibility has ten Keyword columns and three of each other
 * type, so every name here costs one. The server must know them before the first run starts.
 */
export const searchAttributes = [
  { name: 'EwRecipe', type: 'KEYWORD' },
  { name: 'EwRecipeDigest', type: 'KEYWORD' },
  { name: 'EwModel', type: 'KEYWORD' },
  { name: 'EwVariant', type: 'KEYWORD' },
  { name: 'EwToolchain', type: 'KEYWORD' },
  { name: 'EwStage', type: 'KEYWORD' },
  { name: 'EwVerdict', type: 'KEYWORD' },
  { name: 'EwAlias', type: 'KEYWORD' },
  { name: 'EwAdapters', type: 'KEYWORD_LIST' },
  { name: 'EwEngineBytes', type: 'INT' },
] as const;
