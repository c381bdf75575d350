'use strict';

const fs = require('fs');
const path = require('path');
const { installPackages } = require('./setup/packages');
const { ROOT, Stop, main, mustRun, run } = require('./setup/process');

const DOCS = path.join(ROOT, 'docs');
const SITE = path.join(DOCS, '.vitepress', 'dist');
const USAGE = `npm run docs                builds the site into docs/.vitepress/dist
npm run docs -- --serve     builds it and shows it on http://localhost:4173
npm run docs -- --dev       shows the pages while they are written; without the Rust pages
npm run docs -- --check     builds it and visits every page in a browser (Debian's chromium)`;

const tool = (name) => path.join(DOCS, 'node_modules', name);
const vitepress = (...args) => [tool('vitepress/bin/vitepress.js'), ...args];

/** The API pages, out of `index.d.ts`. */
async function api() {
  fs.rmSync(path.join(DOCS, 'api'), { recursive: true, force: true });
  await mustRun('docs failed: the API pages', process.execPath, [tool('typedoc/bin/typedoc')], { cwd: DOCS });
}

/** The pages of the core, beside the others. */
async function rust() {
  const args = ['doc', '--package', 'desktop-runtime-core', '--no-deps', '--document-private-items', '--locked'];
  const flags = '-D warnings -A rustdoc::private_intra_doc_links';
  const env = { ...process.env, RUSTDOCFLAGS: flags };
  await mustRun('docs failed: rustdoc of the core', 'cargo', args, { env });
  fs.cpSync(path.join(ROOT, 'target', 'doc'), path.join(SITE, 'rust'), { recursive: true });
}

async function build() {
  await api();
  await mustRun('docs failed: the site', process.execPath, vitepress('build'), { cwd: DOCS });
  await rust();
  console.log(`\nThe site is in ${path.relative(ROOT, SITE)}`);
}

const MODES = {
  '': build,
  '--serve': async () => {
    await build();
    process.exitCode = await run(process.execPath, vitepress('preview'), { cwd: DOCS });
  },
  '--dev': async () => {
    await api();
    process.exitCode = await run(process.execPath, vitepress('dev'), { cwd: DOCS });
  },
  '--check': async () => {
    await build();
    await mustRun('docs failed: the browser', process.execPath, [path.join(ROOT, 'scripts', 'docs', 'browse.mjs')]);
  },
};

main(async () => {
  const [mode = '', ...rest] = process.argv.slice(2);
  if (!MODES[mode] || rest.length > 0) throw new Stop(USAGE, mode === '--help' ? 0 : 2);
  await installPackages('docs');
  await MODES[mode]();
});
