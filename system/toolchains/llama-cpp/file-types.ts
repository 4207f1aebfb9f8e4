/** `enum llama_ftype` of the pinned llama.h, as far as the catalog offers it, with the ggml type of most matrices. */
export const fileTypes = {
  F32: { ftype: 0, tensor: 'f32' },
  F16: { ftype: 1, tensor: 'f16' },
  Q4_0: { ftype: 2, tensor: 'q4_0' },
  Q4_1: { ftype: 3, tensor: 'q4_1' },
  Q8_0: { ftype: 7, tensor: 'q8_0' },
  Q5_0: { ftype: 8, tensor: 'q5_0' },
  Q5_1: { ftype: 9, tensor: 'q5_1' },
  Q2_K: { ftype: 10, tensor: 'q2_K' },
  Q3_K_M: { ftype: 12, tensor: 'q3_K' },
  Q4_K_M: { ftype: 15, tensor: 'q4_K' },
  Q5_K_M: { ftype: 17, tensor: 'q5_K' },
  Q6_K: { ftype: 18, tensor: 'q6_K' },
  BF16: { ftype: 32, tensor: 'bf16' },
} as const;

export type FileTypeName = keyof typeof fileTypes;

export function isFileTypeName(name: unknown): name is FileTypeName {
  return typeof name === 'string' && Object.hasOwn(fileTypes, name);
}
