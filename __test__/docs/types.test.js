import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import ts from 'typescript';
import { beforeAll, expect, test } from 'vitest';

import { ROOT, blocks, readersFolder } from '../support/documents.js';

const TYPES = readFileSync(join(ROOT, 'index.d.ts'), 'utf8');

/** What the examples in the types leave to their reader to have. */
const GIVEN = `import {
  CacheManager, CrashRecovery, EngineClient, ErrorCodes, JobManager, StreamHandler, createJobStream,
} from '@niche-knack/desktop-runtime';
declare const engine: EngineClient, jobs: JobManager, stream: StreamHandler, cache: CacheManager;
declare const job: Promise<unknown> & { jobId: string };
declare const stateDir: string, cacheDir: string;
declare const path: typeof import('path'), app: { getPath(name: 'userData'): string };
declare function download(): Promise<void>;
`;

/** The examples of the types, each in a scope of its own, where it may name its own engine. */
function examples() {
  const named = Array.from(TYPES.matchAll(/^export (?:interface|type) (\w+)/gm), ([, name]) => name);
  return Array.from(TYPES.matchAll(/@example\n([^]*?)(?=\n\s*\*\/|\n\s*\* @)/g), ({ 1: example, index }) => {
    const line = TYPES.slice(0, index).split('\n').length;
    const lines = example.replace(/^[ \t]*\* ?/gm, '').split('\n');
    const imports = lines.filter((text) => text.startsWith('import '));
    const used = named.filter((name) => new RegExp(`\\b${name}\\b`).test(example));
    const types = `import type { ${used.join(', ')} } from '@niche-knack/desktop-runtime';`;
    const body = lines.filter((text) => !imports.includes(text)).join('\n');
    // What is caught is `unknown` to the compiler, and an example is not the place to narrow it.
    const program = `{\n${body.replace(/catch \(error\)/g, 'catch (error: any)')}\n}`;
    return [`index.d.ts:${line}`, { text: [...imports, types, GIVEN, program].join('\n'), document: 'README.md' }];
  });
}

const PROGRAMS = [...blocks('ts'), ...examples()];
const found = new Map();

/** All in one program: the compiler reads the types once. */
beforeAll(() => {
  const folder = ts.sys.resolvePath(readersFolder('README.md'));
  const files = new Map(PROGRAMS.map(([at, { text }], index) => [join(folder, `block-${index}.mts`), { at, text }]));
  const options = {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => files.has(file) || fileExists(file);
  host.readFile = (file) => files.get(file)?.text ?? readFile(file);
  host.getSourceFile = (file, ...rest) =>
    files.has(file) ? ts.createSourceFile(file, files.get(file).text, rest[0]) : getSourceFile(file, ...rest);
  const program = ts.createProgram([...files.keys()], options, host);
  for (const [file, { at }] of files) {
    const wrong = ts.getPreEmitDiagnostics(program, program.getSourceFile(file));
    found.set(
      at,
      wrong.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
    );
  }
}, 300_000);

test('there are programs and examples', () => {
  expect(blocks('ts').length).toBeGreaterThan(0);
  expect(examples().length).toBeGreaterThan(5);
});

test.each(PROGRAMS)('%s has good types', (at) => {
  expect(found.get(at)).toEqual([]);
});
