import { BuildFailure } from '../../../../core/domain/failures.ts';
import type { Operation } from './operation.ts';

export const inspect: Operation<'inspect'> = ({ library }, { file }) => {
  const gguf = library.openGguf(file, { no_alloc: true, ctx: null });
  if (gguf === null) throw new BuildFailure('ToolFailed', `llama.cpp cannot read ${file} as GGUF`);
  try {
    const tensors = library.tensorCount(gguf);
    const types: Record<string, number> = {};
    for (let index = 0; index < tensors; index++) {
      const type = library.typeName(library.tensorType(gguf, index));
      types[type] = (types[type] ?? 0) + 1;
    }
    return { tensors, types };
  } finally {
    library.closeGguf(gguf);
  }
};
