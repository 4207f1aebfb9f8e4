import { BuildFailure } from '../../../core/domain/failures.ts';
import type { LlamaLibrary } from './bind-library.ts';
import type { Pointer } from './native-call.ts';

export interface TokenizeOptions {
  /** BOS and EOS as the model's tokenizer adds them. */
  readonly addSpecial: boolean;
  /** `</s>` in the text becomes one token, as tokenizer.json does it. */
  readonly parseSpecial: boolean;
}

/** Text to token ids and back, with the vocabulary of an open engine. */
export class TextCodec {
  readonly #library: LlamaLibrary;
  readonly #vocabulary: Pointer;
  readonly #plain = new Map<number, Uint8Array>();
  readonly #rendered = new Map<number, Uint8Array>();
  #addsSpace: boolean | undefined;

  constructor(library: LlamaLibrary, vocabulary: Pointer) {
    this.#library = library;
    this.#vocabulary = vocabulary;
  }

  tokenize(text: string, { addSpecial, parseSpecial }: TokenizeOptions): number[] {
    const bytes = new TextEncoder().encode(text);
    // No tokenizer gives more tokens than bytes, but for the special ones around; a refusal names the room it needs.
    let tokens = new Int32Array(bytes.length + 8);
    const run = (): number =>
      this.#library.tokenize(
        this.#vocabulary,
        bytes,
        bytes.length,
        tokens,
        tokens.length,
        addSpecial,
        parseSpecial,
      );
    let count = run();
    if (count < 0) {
      tokens = new Int32Array(-count);
      count = run();
    }
    if (count < 0)
      throw new BuildFailure('ToolFailed', `llama_tokenize gave ${count} for ${bytes.length} bytes`);
    return Array.from(tokens.subarray(0, count));
  }

  /**
   * The bytes of the tokens, joined. Control tokens such as `</s>` are left out unless `renderSpecial`; broken UTF-8
   * becomes U+FFFD. llama_detokenize is not used: it takes away spaces before punctuation for some vocabularies.
   */
  detokenize(tokens: readonly number[], renderSpecial: boolean): string {
    const bytes = Buffer.concat(tokens.map((token) => this.pieceOf(token, renderSpecial)));
    const text = bytes.toString('utf8');
    return this.#leadsWithSpace() && text.startsWith(' ') ? text.slice(1) : text;
  }

  /** Bytes of one token; a multi-byte character may be spread over several tokens. */
  pieceOf(token: number, renderSpecial: boolean): Uint8Array {
    const pieces = renderSpecial ? this.#rendered : this.#plain;
    const known = pieces.get(token);
    if (known !== undefined) return known;
    const piece = this.#readPiece(token, renderSpecial);
    pieces.set(token, piece);
    return piece;
  }

  #readPiece(token: number, renderSpecial: boolean): Uint8Array {
    let bytes = new Uint8Array(64);
    let length = this.#library.tokenPiece(this.#vocabulary, token, bytes, bytes.length, 0, renderSpecial);
    if (length < 0) {
      bytes = new Uint8Array(-length);
      length = this.#library.tokenPiece(this.#vocabulary, token, bytes, bytes.length, 0, renderSpecial);
    }
    if (length < 0)
      throw new BuildFailure('ToolFailed', `llama_token_to_piece gave ${length} for token ${token}`);
    return bytes.slice(0, length);
  }

  /** SentencePiece vocabularies put a space before the first word; Hugging Face's decoders take it away again. */
  #leadsWithSpace(): boolean {
    if (this.#addsSpace === undefined) {
      const tokens = this.tokenize('x', { addSpecial: false, parseSpecial: false });
      this.#addsSpace =
        Buffer.concat(tokens.map((token) => this.pieceOf(token, false))).toString('utf8') === ' x';
    }
    return this.#addsSpace;
  }
}
