// Rules of this repository for oxlint, in ESLint's plugin form (https://oxc.rs/docs/guide/usage/linter/js-plugins).

const shellFunctions = new Set(['exec', 'execSync', 'execaCommand', 'execaCommandSync']);
const shellModules = new Set(['child_process', 'node:child_process', 'execa']);

/** A shell splits, expands and runs what was meant as one argument; argument arrays cannot be misread. */
const noShell = {
  meta: { type: 'problem', docs: { description: 'Commands are argument arrays; no shell reads them.' } },
  create(context) {
    const report = (node, message) => context.report({ node, message });
    return {
      Property(node) {
        const isNamedShell = !node.computed && (node.key.name ?? node.key.value) === 'shell';
        const isObjectLiteral = node.parent.type === 'ObjectExpression';
        if (!isNamedShell || !isObjectLiteral || node.value.value === false) return;
        report(
          node,
          'No command goes through a shell: pass file and arguments to runCommand of system/process.',
        );
      },
      ImportSpecifier(node) {
        if (!shellModules.has(node.parent.source.value) || !shellFunctions.has(node.imported.name)) return;
        report(
          node,
          `${node.imported.name} starts a shell: pass file and arguments to runCommand of system/process.`,
        );
      },
    };
  },
};

/** Whoever starts a process owns its end; only system does that. */
const processesStartInSystem = {
  meta: { type: 'problem', docs: { description: 'Processes are started in system.' } },
  create(context) {
    return {
      ImportDeclaration(node) {
        if (node.importKind === 'type' || !shellModules.has(node.source.value)) return;
        context.report({
          node,
          message:
            'Processes are started in system, which ends them too: add a function there, on runCommand.',
        });
      },
    };
  },
};

export default {
  meta: { name: 'house' },
  rules: { 'no-shell': noShell, 'processes-start-in-system': processesStartInSystem },
};
