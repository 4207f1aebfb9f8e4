import { tokenizerUnsupported } from './vocabulary.ts';

/** One piece of a SentencePiece model; `type` is `ModelProto.SentencePiece.Type`. */
export interface SentencePiece {
  readonly piece: string;
  readonly score: number;
  readonly type: number;
}

export interface SentencePieceModel {
  readonly pieces: readonly SentencePiece[];
  /** `TrainerSpec.ModelType`: 1 unigram, 2 BPE, 3 word, 4 character. */
  readonly modelType: number;
  /** Whether a space is put before a text. */
  readonly addDummyPrefix: boolean;
  /** Whether text is rewritten by a compiled map before it is cut. */
  readonly hasCharacterMap: boolean;
}

/**
 * Reads a `tokenizer.model`: a protocol buffer `ModelProto` (google/sentencepiece src/sentencepiece_model.proto). Fields
 * that do not matter here are skipped. A damaged file is TokenizerUnsupported.
 */
export function parseSentencePieceModel(bytes: Uint8Array): SentencePieceModel {
  const pieces: SentencePiece[] = [];
  let modelType = 1;
  let normalizer = { addDummyPrefix: true, hasCharacterMap: false };
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) pieces.push(parsePiece(bytesOf(field)));
    else if (field.number === 2) modelType = numberField(bytesOf(field), 3) ?? modelType;
    else if (field.number === 3) normalizer = parseNormalizer(bytesOf(field));
  }
  if (pieces.length === 0) throw tokenizerUnsupported('tokenizer.model holds no pieces');
  return { pieces, modelType, ...normalizer };
}

function parsePiece(bytes: Uint8Array): SentencePiece {
  let piece = '';
  let score = 0;
  let type = 1;
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) piece = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytesOf(field));
    else if (field.number === 2) score = singleOf(bytesOf(field));
    else if (field.number === 3) type = Number(field.value);
  }
  return { piece, score, type };
}

function parseNormalizer(bytes: Uint8Array) {
  let hasCharacterMap = false;
  for (const field of fieldsOf(bytes)) {
    if (field.number === 2) hasCharacterMap = bytesOf(field).length > 0;
  }
  return { addDummyPrefix: (numberField(bytes, 3) ?? 1) !== 0, hasCharacterMap };
}

function numberField(bytes: Uint8Array, number: number): number | undefined {
  let found: number | undefined;
  for (const field of fieldsOf(bytes)) if (field.number === number) found = Number(field.value);
  return found;
}

interface Field {
  readonly number: number;
  /** A varint's value, or the bytes of any other kind of field. */
  readonly value: number | Uint8Array;
}

/** The fields of one message in order (Protocol Buffers encoding: a varint key, then a value by its wire type). */
function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = bytes[at];
      if (byte === undefined) throw damaged();
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw damaged();
  };
  const take = (length: number) => {
    if (length > bytes.length - at) throw damaged();
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const wireType = key % 8;
    const number = Math.floor(key / 8);
    if (wireType === 0) yield { number, value: varint() };
    else if (wireType === 1) yield { number, value: take(8) };
    else if (wireType === 2) yield { number, value: take(varint()) };
    else if (wireType === 5) yield { number, value: take(4) };
    else throw damaged();
  }
}

function bytesOf(field: Field): Uint8Array {
  if (typeof field.value === 'number') throw damaged();
  return field.value;
}

function singleOf(bytes: Uint8Array): number {
  if (bytes.length !== 4) throw damaged();
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
}

function damaged() {
  return tokenizerUnsupported('tokenizer.model is damaged');
}
