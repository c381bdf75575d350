'use strict';

const fs = require('fs');
const path = require('path');
const { nodeBinaries } = require('../../hosts');

const TOOLS = path.join(__dirname, 'node_modules');
const tool = (name, file) => path.join(TOOLS, name, file);
const write = (folder, name, lines) => fs.writeFileSync(path.join(folder, name), `${lines.join('\n')}\n`);

/** Some package managers do not run on this Node: their own is one of the test hosts. */
function nodeFor(major) {
  if (!major) return process.execPath;
  const found = nodeBinaries().find(({ version }) => Number(version.split('.')[0]) === major);
  if (!found) throw new Error(`Node ${major} is missing: "node scripts/hosts.js" fetches it`);
  return found.path;
}

const versionOf = (name) => JSON.parse(fs.readFileSync(tool(name, 'package.json'), 'utf8')).version;

const flagsFor = ({ os, cpu, libc }) => [`--os=${os}`, `--cpu=${cpu}`, ...(libc ? [`--libc=${libc}`] : [])];
const listsFor = ({ os, cpu, libc }) => [
  'supportedArchitectures:',
  `  os: [${os}]`,
  `  cpu: [${cpu}]`,
  ...(libc ? [`  libc: [${libc}]`] : []),
];

function npm(name, node) {
  const install = [tool(name, 'bin/npm-cli.js'), 'install', '--no-audit', '--no-fund'];
  const old = Number(versionOf(name).split('.')[0]) < 10;
  return {
    title: `npm ${versionOf(name)}`,
    node: nodeFor(node),
    install: () => install,
    // What the old ones could do is take it for all platforms, or not at all.
    cross: old ? null : (folder, platform) => [...install, ...flagsFor(platform)],
    // They do not know `libc`.
    both: old,
  };
}

function pnpm(name, script, { lists = 'pnpm-workspace.yaml', linker = 'isolated' } = {}) {
  const settings = [`nodeLinker: ${linker}`, 'storeDir: ../pnpm-store', 'cacheDir: ../pnpm-cache'];
  const install = [tool(name, script), 'install', '--no-frozen-lockfile'];
  const old = ['node-linker=' + linker, 'store-dir=../pnpm-store', 'cache-dir=../pnpm-cache'];
  return {
    title: `pnpm ${versionOf(name)}${linker === 'isolated' ? '' : `, nodeLinker ${linker}`}`,
    node: nodeFor(),
    install(folder) {
      if (lists) write(folder, lists, settings);
      else fs.appendFileSync(path.join(folder, '.npmrc'), `${old.join('\n')}\n`);
      return install;
    },
    cross(folder, platform) {
      this.install(folder);
      const one = ([key, value]) => [key, [value]];
      if (lists) {
        fs.appendFileSync(path.join(folder, lists), `${listsFor(platform).join('\n')}\n`);
      } else {
        const file = path.join(folder, 'package.json');
        const manifest = JSON.parse(fs.readFileSync(file, 'utf8'));
        manifest.pnpm = { supportedArchitectures: Object.fromEntries(Object.entries(platform).map(one)) };
        fs.writeFileSync(file, JSON.stringify(manifest));
      }
      return install;
    },
  };
}

function yarnClassic() {
  const install = [tool('yarn', 'bin/yarn.js'), 'install', '--non-interactive', '--no-progress'];
  return {
    title: `yarn ${versionOf('yarn')}`,
    node: nodeFor(),
    install: () => install,
    cross: () => [...install, '--ignore-platform'],
    everything: true,
    both: true,
  };
}

function yarn(linker) {
  const name = '@yarnpkg/cli-dist';
  return {
    title: `yarn ${versionOf(name)}, nodeLinker ${linker}`,
    node: nodeFor(),
    install(folder, registry) {
      write(folder, 'yarn.lock', []);
      write(folder, '.yarnrc.yml', [
        `nodeLinker: ${linker}`,
        'enableTelemetry: false',
        'pnpEnableEsmLoader: true',
        'enableGlobalCache: false',
        'enableImmutableInstalls: false',
        'unsafeHttpWhitelist: ["127.0.0.1"]',
        'npmScopes:',
        '  niche-knack:',
        `    npmRegistryServer: "${registry.replace(/\/$/, '')}"`,
      ]);
      return [tool(name, 'bin/yarn.js'), 'install'];
    },
    cross(folder, platform, registry) {
      const command = this.install(folder, registry);
      fs.appendFileSync(path.join(folder, '.yarnrc.yml'), `${listsFor(platform).join('\n')}\n`);
      return command;
    },
    /** Without node_modules Node has to be told where to look. */
    preload: linker === 'pnp' ? './.pnp.cjs' : null,
    loader: linker === 'pnp' ? './.pnp.loader.mjs' : null,
  };
}

/**
 * `install` and `cross` write what settings the package manager needs into an app's folder, and give its arguments.
 * `both`: it does not know which C library a package is for; `everything`: it takes all platforms, or its own.
 */
function managers() {
  return [
    npm('npm-6', 14),
    npm('npm-8', 16),
    npm('npm-10'),
    npm('npm-12', 24),
    pnpm('pnpm-9', 'bin/pnpm.cjs', { lists: null }),
    pnpm('pnpm-10', 'bin/pnpm.cjs'),
    pnpm('pnpm', 'bin/pnpm.mjs'),
    pnpm('pnpm', 'bin/pnpm.mjs', { linker: 'hoisted' }),
    yarnClassic(),
    yarn('node-modules'),
    yarn('pnpm'),
    yarn('pnp'),
  ];
}

module.exports = { managers };
