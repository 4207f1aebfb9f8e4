/** What merging did, in facts small enough for every report. */
export type MergeReport = {
  readonly tensorsMerged: number;
  readonly tensorsReplaced: number;
  /** Whose tokenizer the merged model has. */
  readonly tokenizer: 'base' | 'adapter';
  /** Against the base's; null when the base's was kept. */
  readonly tokenizerDifference: TokenizerDifference | null;
  /** Rows of the embedding; `averaged` of them are means, because no adapter brought them. */
  readonly vocabulary: { readonly before: number; readonly after: number; readonly averaged: number } | null;
  readonly rounding: 'peft-default' | 'peft-safe' | 'once';
  readonly warnings: readonly string[];
};

/** How an adapter's tokenizer differs from the base's. Counts are of tokens. */
export type TokenizerDifference = {
  readonly added: number;
  readonly removed: number;
  /** Ids that mean another text. */
  readonly changed: number;
  /** The first texts added, at most 20. */
  readonly firstAdded: readonly string[];
  readonly specialTokens: readonly {
    readonly role: string;
    readonly from: string | null;
    readonly to: string | null;
  }[];
  readonly chatTemplate: 'same' | 'changed' | 'added' | 'removed';
};
