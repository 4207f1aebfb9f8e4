/**
 * Writes system/toolchains/llama-cpp/generated/llama-layout.ts: where every field of llama.cpp's parameter structs
 * lies, and what the library sets it to by default. A compiler answers, so nobody counts bytes by hand.
 *
 * Needs gcc, and llama.cpp's headers at the very commit of the prebuilt libraries. The npm package node-llama-cpp of
 * the same version as @node-llama-cpp/linux-x64 carries them as a git bundle:
 *
 *   npm pack node-llama-cpp@3.22.1 && tar xzf node-llama-cpp-3.22.1.tgz package/llama/gitRelease.bundle
 *   git clone package/llama/gitRelease.bundle llama.cpp
 *   npx tsx tools/generate-llama-layout.ts llama.cpp
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { locateLibraries } from '../system/toolchains/llama-cpp/locate-libraries.ts';

const structs = [
  { name: 'llama_model_params', defaults: 'llama_model_default_params' },
  { name: 'llama_context_params', defaults: 'llama_context_default_params' },
  { name: 'llama_model_quantize_params', defaults: 'llama_model_quantize_default_params' },
  { name: 'llama_batch', defaults: null },
  { name: 'gguf_init_params', defaults: null },
] as const;

const headers = ['include/llama.h', 'ggml/include/gguf.h'];
const target = new URL('../system/toolchains/llama-cpp/generated/llama-layout.ts', import.meta.url);

/** C type → the name koffi has for it. Pointers, function pointers and enums are told by their spelling. */
const scalars: { readonly [type: string]: string } = {
  int32_t: 'int32',
  uint32_t: 'uint32',
  size_t: 'size_t',
  float: 'float',
  bool: 'bool',
};

interface Field {
  readonly name: string;
  readonly type: string;
}

function readFields(header: string, struct: string): Field[] {
  const body = new RegExp(`struct ${struct} \\{([^}]*)\\}`).exec(header)?.[1];
  if (body === undefined) throw new Error(`the header has no struct ${struct}`);
  return body
    .replaceAll(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, '')
    .split(';')
    .map((text) => text.replaceAll(/\s+/g, ' ').trim())
    .filter((text) => text !== '')
    .map(readField);
}

function readField(declaration: string): Field {
  const name = /(\w+)$/.exec(declaration)?.[1];
  if (name === undefined) throw new Error(`cannot read the field '${declaration}'`);
  const type = declaration.slice(0, -name.length).trim();
  if (type.includes('*') || type.endsWith('_callback')) return { name, type: 'void *' };
  // C leaves an enum's width to the compiler; the probe's size column proves the 4 bytes.
  if (type.startsWith('enum ')) return { name, type: 'int32' };
  const scalar = scalars[type];
  if (scalar === undefined) throw new Error(`the type of '${declaration}' is new; add it to the table`);
  return { name, type: scalar };
}

function printDefault({ name, type }: Field): string {
  if (type === 'void *') return `printf("%s", d.${name} == NULL ? "null" : "\\"set\\"");`;
  if (type === 'bool') return `printf("%s", d.${name} ? "true" : "false");`;
  if (type === 'float') return `printf("%.9g", (double) d.${name});`;
  return `printf("%lld", (long long) d.${name});`;
}

function probeStruct(struct: (typeof structs)[number], fields: readonly Field[]): string {
  const lines = fields.map((field, index) => {
    const place = `offsetof(S, ${field.name}), sizeof(((S *) 0)->${field.name})`;
    const shown = struct.defaults === null ? 'printf("null");' : printDefault(field);
    return `printf("${index === 0 ? '' : ','}\\n{\\"name\\":\\"${field.name}\\",\\"type\\":\\"${field.type}\\",\\"offset\\":%zu,\\"size\\":%zu,\\"default\\":", ${place}); ${shown} printf("}");`;
  });
  const defaults = struct.defaults === null ? '' : `S d = ${struct.defaults}();`;
  const head = `printf("\\"${struct.name}\\":{\\"size\\":%zu,\\"hasDefaults\\":${struct.defaults !== null},\\"fields\\":[", sizeof(S));`;
  return `{ typedef struct ${struct.name} S; ${defaults} ${head}\n${lines.join('\n')}\nprintf("]}"); }`;
}

function runProbe(source: string): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'llama-layout-'));
  try {
    const { folder: libraries, llama } = locateLibraries({});
    const header = headers.map((path) => readFileSync(join(source, path), 'utf8')).join('\n');
    const parts = structs.map((struct) => probeStruct(struct, readFields(header, struct.name)));
    writeFileSync(
      join(folder, 'probe.c'),
      `#include "llama.h"\n#include "gguf.h"\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\nprintf("{\\"version\\":\\"%s\\",\\"structs\\":{", llama_version());\n${parts.join('\nprintf(",");\n')}\nprintf("}}");\nreturn 0; }\n`,
    );
    const includes = ['include', 'ggml/include'].map((path) => `-I${join(source, path)}`);
    const links = readdirSync(libraries).filter((name) => /^libggml(-base|\.v.*)?\.so$/.test(name));
    const inputs = [join(folder, 'probe.c'), llama, ...links.map((name) => join(libraries, name))];
    execFileSync('gcc', ['-o', join(folder, 'probe'), ...includes, ...inputs, `-Wl,-rpath,${libraries}`]);
    return JSON.parse(execFileSync(join(folder, 'probe'), { encoding: 'utf8' }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const source = process.argv[2];
if (source === undefined) throw new Error('name the folder of the llama.cpp checkout');
const commit = execFileSync('git', ['-C', source, 'rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
const text = JSON.stringify(runProbe(source))
  .replaceAll('{"name"', '\n      {"name"')
  .replaceAll(']}', '\n    ]}')
  .replaceAll(/(?<=[{,])"(llama_\w+|gguf_\w+)":\{"size"/g, '\n    "$1":{"size"')
  .replace(/\}\}$/, '\n}}');
const head = `// Written by tools/generate-llama-layout.ts from llama.cpp commit ${commit}. Do not edit.
import type { PinnedLayout } from '../pinned-layout.ts';
`;
writeFileSync(target, `${head}\nexport const llamaLayout: PinnedLayout = ${text};\n`);
