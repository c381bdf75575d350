import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { folder } from './folders.js';

export const ROOT = join(import.meta.dirname, '../..');

const read = (file) => readFileSync(join(ROOT, file), 'utf8');
const FOREIGN = new Set(['.vitepress', 'api', 'node_modules', 'public', 'screenshots']);

/** The Markdown files of a folder and of the folders in it. */
function markdown(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return FOREIGN.has(entry.name) ? [] : markdown(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** What a reader is given to read, relative to the project's root. */
export const DOCUMENTS = ['README.md', ...['docs', 'kits', 'cli', 'examples'].flatMap(markdown)].sort();

/** What stands behind a fence: a kind, and the name of a file (`js [engine.js]`, `js main.js`) for one that is saved. */
function parseInfo(info) {
  const [, words, bracketed, bare] = /^([\w, ]*?)\s*(?:\[(.+)\]|(\S+\.\w+))?\s*$/.exec(info) ?? [null, info];
  return { kind: words.replace(/,.*/, ''), label: bracketed ?? bare ?? null };
}

/** The fenced blocks of a document, each `{kind, label, text, line}`. */
export function blocksOf(document) {
  const found = [];
  let open = null;
  read(document)
    .split('\n')
    .forEach((text, index) => {
      const [, indent, fence, info] = /^(\s*)(`{3,}|~{3,})(.*)$/.exec(text) ?? [];
      if (open && fence?.startsWith(open.fence) && info.trim() === '') {
        found.push({ ...open.block, text: `${open.lines.join('\n')}\n` });
        open = null;
      } else if (open) {
        open.lines.push(text.slice(open.indent));
      } else if (fence) {
        open = { fence, indent: indent.length, lines: [], block: { document, ...parseInfo(info), line: index + 1 } };
      }
    });
  if (open) throw new Error(`${document}:${open.block.line}: this block is not closed`);
  return found;
}

export const BLOCKS = DOCUMENTS.flatMap(blocksOf);

/** The blocks of one kind, with a name for each: where it stands. */
export const blocks = (...kinds) =>
  BLOCKS.filter(({ kind }) => kinds.includes(kind)).map((block) => [`${block.document}:${block.line}`, block]);

/** Whether a program is an engine: it answers until its stdin closes, and prints nothing else. */
export const isEngine = ({ text }) => /^#!|^engine\.run\(\)/m.test(text);

/** The name under which a document's reader saves a block, or null. An engine without a name is the page's `engine.…`. */
function fileOf(block) {
  const extension = { js: 'js', python: 'py' }[block.kind];
  return block.label ?? (extension && isEngine(block) ? `engine.${extension}` : null);
}

/** The files that a document has its reader save, by name; engines that it only starts are those of two other pages. */
export function savedFiles(document) {
  const pages = ['docs/guide/getting-started.md', 'docs/engines/contract.md', document];
  return new Map(
    pages.flatMap((page) => {
      const files = BLOCKS.filter((block) => block.document === page && fileOf(block) !== null);
      const seen = page === document ? files : files.filter((block) => /^engine\./.test(fileOf(block)));
      // Of several under one name the first counts: it is what the page begins with.
      return seen.reverse().map((block) => [fileOf(block), block.text]);
    }),
  );
}

/** The folder in which a document's reader works: a clone's root, packages installed, with the document's files saved. */
export function readersFolder(document) {
  const root = folder();
  const link = (name, target) => {
    if (!existsSync(join(ROOT, target))) return;
    mkdirSync(dirname(join(root, name)), { recursive: true });
    symlinkSync(join(ROOT, target), join(root, name), 'junction');
  };
  for (const name of ['cli', 'docs', 'examples', 'kits']) link(name, name);
  link('node_modules/@niche-knack/desktop-runtime', '.');
  link('node_modules/@niche-knack/engine-kit', 'kits/node');
  for (const name of ['@opentelemetry', '@types']) link(`node_modules/${name}`, `node_modules/${name}`);
  for (const name of ['ajv', 'python-shell']) link(`node_modules/${name}`, `docs/node_modules/${name}`);
  // The page of the Rust kit starts what cargo has built: to the app, one engine is like another.
  const built = savedFiles('docs/engines/contract.md').get('engine.py');
  for (const [name, text] of [...savedFiles(document), ['target/release/engine', built]]) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text, { mode: 0o755 });
  }
  return root;
}

/** What a program of a document finds in its environment: the Python kit, as if `pip` had installed it. */
export const ENVIRONMENT = {
  ...process.env,
  PYTHONPATH: [join(ROOT, 'kits/python/src'), join(ROOT, 'kits/python')].join(process.platform === 'win32' ? ';' : ':'),
  PYTHONDONTWRITEBYTECODE: '1',
};
