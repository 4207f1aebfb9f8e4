import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../../../system/package-root.ts';

const root = packageRoot();

/** Files by their path below the root: new ones, or what stands there instead of the file on the disk. */
export type Overlay = Readonly<Record<string, string>>;

/** A type checker of this repository with files that are not on the disk; what two checks share is parsed once. */
export function createTypeCheck(): (overlay: Overlay) => string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => readFileSync(path, 'utf8'));
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const parsed = new Map<string, ts.SourceFile | undefined>();
  return (overlay) => {
    const files = new Map(Object.entries(overlay).map(([path, text]) => [join(root, path), text]));
    const host = ts.createCompilerHost(options);
    const disk = { ...host };
    host.fileExists = (path) => files.has(path) || disk.fileExists(path);
    // Without it no module is looked for in a folder that is not on the disk.
    delete host.directoryExists;
    host.readFile = (path) => files.get(path) ?? disk.readFile(path);
    host.getSourceFile = (path, languageVersion) => {
      const text = files.get(path);
      if (text !== undefined) return ts.createSourceFile(path, text, languageVersion);
      if (!parsed.has(path)) parsed.set(path, disk.getSourceFile(path, languageVersion));
      return parsed.get(path);
    };
    const program = ts.createProgram([...files.keys()], options, host);
    return [...files.keys()].flatMap((path) => problemsOf(program, path));
  };
}

/** `path: message`, of one file. */
function problemsOf(program: ts.Program, path: string): string[] {
  const file = program.getSourceFile(path);
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
    ({ messageText }) =>
      `${path.slice(root.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
  );
}

/** The `ts` blocks of a page in order, without the indentation of the list they stand in. */
export function codeBlocks(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^( *)```ts\n([^]*?)^ *```$/gm)].map(([, indent = '', code = '']) =>
    code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

/** A file of the repository with text after the first place where an anchor stands. */
export function withText(
  path: string,
  insertions: readonly (readonly [anchor: string, text: string])[],
): Overlay {
  const edited = insertions.reduce(
    (text, [anchor, addition]) => {
      const at = text.indexOf(anchor);
      if (at < 0) throw new Error(`${path} has no longer '${anchor}'`);
      return text.slice(0, at + anchor.length) + addition + text.slice(at + anchor.length);
    },
    readFileSync(join(root, path), 'utf8'),
  );
  return { [path]: edited };
}
