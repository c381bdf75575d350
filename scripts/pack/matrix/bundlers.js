'use strict';

const { builtinModules, createRequire } = require('module');
const path = require('path');
const { pathToFileURL } = require('url');
const { NAME } = require('../fresh-app');

const versionOf = (name) => require(`./node_modules/${name}/package.json`).version;
// The main files of these packages are found only from a file in this folder.
const load = createRequire(path.join(__dirname, 'package.json'));

const ADDON = { test: /\.node$/ };

async function esbuild(folder, out, options) {
  await load('esbuild').build({
    absWorkingDir: folder,
    entryPoints: ['main.js', 'electron.js'],
    outdir: out,
    bundle: true,
    platform: 'node',
    target: 'node12.14',
    logLevel: 'silent',
    ...options,
    external: ['electron', ...(options.external || [])],
  });
}

async function webpack(folder, out, options) {
  const compiler = load('webpack')({
    context: folder,
    entry: { main: './main.js', electron: './electron.js' },
    output: { path: out },
    target: 'electron9.4-main',
    mode: 'production',
    // The loaders are in this folder, not in the app's.
    resolveLoader: { modules: [path.join(__dirname, 'node_modules')] },
    ...options,
  });
  const stats = await new Promise((resolve, reject) => {
    compiler.run((error, result) => (error ? reject(error) : resolve(result)));
  });
  if (stats.hasErrors()) throw new Error(stats.toString('errors-only'));
}

/** As Electron Forge's template builds a main process. */
async function vite(folder, out) {
  const { build } = await import(pathToFileURL(path.join(__dirname, 'node_modules/vite/dist/node/index.js')));
  const external = ['electron', NAME, ...builtinModules, ...builtinModules.map((name) => `node:${name}`)];
  for (const name of ['main', 'electron']) {
    await build({
      root: folder,
      configFile: false,
      logLevel: 'silent',
      resolve: { conditions: ['node'], mainFields: ['module', 'jsnext:main', 'jsnext'] },
      build: {
        outDir: out,
        emptyOutDir: false,
        target: 'node12.14',
        commonjsOptions: { ignoreDynamicRequires: true },
        lib: { entry: path.join(folder, `${name}.js`), formats: ['cjs'], fileName: () => `${name}.js` },
        rollupOptions: { external },
      },
    });
  }
}

const relocator = {
  rules: [
    { test: /native_modules[/\\].+\.node$/, use: 'node-loader' },
    {
      test: /[/\\]node_modules[/\\].+\.(m?js|node)$/,
      parser: { amd: false },
      use: { loader: '@vercel/webpack-asset-relocator-loader', options: { outputAssetBase: 'native_modules' } },
    },
  ],
};

/** Each builds `main.js` and `electron.js` of an app's folder. `alone`: what it builds runs without node_modules. */
function bundlers() {
  return [
    {
      title: `esbuild ${versionOf('esbuild')}, external`,
      build: (folder, out) => esbuild(folder, out, { external: [NAME] }),
    },
    {
      title: `esbuild ${versionOf('esbuild')}, bundled, --loader:.node=copy`,
      alone: true,
      build: (folder, out) => esbuild(folder, out, { loader: { '.node': 'copy' } }),
    },
    {
      title: `webpack ${versionOf('webpack')}, externals`,
      build: (folder, out) => webpack(folder, out, { externals: { [NAME]: `commonjs ${NAME}` } }),
    },
    {
      title: `webpack ${versionOf('webpack')}, bundled, node-loader`,
      alone: true,
      build: (folder, out) =>
        webpack(folder, out, { module: { rules: [{ ...ADDON, use: 'node-loader' }] }, node: { __dirname: false } }),
    },
    {
      title: `webpack ${versionOf('webpack')}, bundled, Forge's template`,
      alone: true,
      build: (folder, out) => webpack(folder, out, { module: relocator }),
    },
    { title: `vite ${versionOf('vite')}, external`, build: vite },
  ];
}

module.exports = { bundlers };
