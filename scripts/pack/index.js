'use strict';

const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { besides, bundle } = require('./bundle');
const { FILE: LICENCES } = require('./licenses');
const { addonOf, mainManifest, platformManifest, platforms } = require('./manifest');
const { installPackages, npmCommand } = require('../setup/packages');
const { ROOT, Stop, capture, main } = require('../setup/process');

const USAGE = `node scripts/pack [--out FOLDER] [--all] [--repository URL]

Packs the main package, and a platform package for each platform whose addon is there: in npm/<platform>/, or beside
package.json, where "npm run build" leaves that of this machine.

  --out FOLDER       where the tarballs and SHA256SUMS go (target/packages)
  --all              an addon that is missing is an error
  --repository URL   the repository for the manifests; npm compares it with the provenance of what is published`;

/** In every package, whatever npm would take along by itself. */
const LEGAL = ['LICENSE', LICENCES];

function parse(args) {
  const options = { out: 'target/packages', all: false, repository: null };
  for (let i = 0; i < args.length; i += 1) {
    if (args[i] === '--all') options.all = true;
    else if (['--out', '--repository'].includes(args[i]) && args[i + 1]) options[args[i].slice(2)] = args[(i += 1)];
    else throw new Stop(`${args[i]}: not understood\n\n${USAGE}`, 2);
  }
  return options;
}

const fromRoot = (file) => path.join(ROOT, file);

function addonFile(platform, built) {
  const places = [...(built ? [] : [`npm/${platform}/${addonOf(platform)}`]), addonOf(platform)];
  return places.map(fromRoot).find((file) => fs.existsSync(file));
}

/** Lays out the folder of one package as it will be unpacked. `files` are names in it and where they come from. */
function stage(folder, manifest, files) {
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, from] of files) fs.cpSync(from, path.join(folder, name), { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

async function stageMain(folder, facts) {
  const { files } = JSON.parse(fs.readFileSync(fromRoot('package.json'), 'utf8'));
  const names = [...besides(files), 'README.md', ...LEGAL];
  const manifest = stage(
    folder,
    mainManifest(facts),
    names.map((name) => [name, fromRoot(name)]),
  );
  fs.writeFileSync(path.join(folder, 'index.js'), await bundle());
  return manifest;
}

function stagePlatform(folder, platform, addon, facts) {
  const manifest = stage(folder, platformManifest(platform, facts), [
    [addonOf(platform), addon],
    ['README.md', fromRoot(`npm/${platform}/README.md`)],
    ...LEGAL.map((name) => [name, fromRoot(name)]),
  ]);
  // cargo makes it executable, a copy from elsewhere need not be: the tarball is the same.
  fs.chmodSync(path.join(folder, addonOf(platform)), 0o644);
  return manifest;
}

/** npm's tarballs depend on names and contents alone: their times are constant. */
function pack(folder, out) {
  const { command, args, shell } = npmCommand();
  const flags = ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', out];
  const { ok, text } = capture(command, [...args, ...flags], { cwd: folder, shell });
  if (!ok) throw new Stop(`npm pack failed in ${folder}:\n${text}`);
  const printed = JSON.parse(text);
  // npm up to 11 prints a list, later ones an object by name.
  const [{ filename, size }] = Object.values(printed);
  return { filename, size };
}

function checksum(file) {
  return crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}

/** Makes room for what is about to be written; whatever else is in the folder stays. */
function emptied(folder) {
  fs.mkdirSync(folder, { recursive: true });
  const ours = fs.readdirSync(folder).filter((name) => /^niche-knack-.*\.tgz$|^SHA256SUMS$/.test(name));
  ours.forEach((name) => fs.unlinkSync(path.join(folder, name)));
  return folder;
}

/**
 * `all`: an addon that is missing is an error; `built`: only what "npm run build" has made counts, for in npm/ may lie
 * older ones.
 * @param {{ out: string, all?: boolean, built?: boolean, repository?: string | null }} options
 * @returns {Promise<{ filename: string, size: number, manifest: object, platform: string | null }[]>} the main package first
 */
async function packAll({ out, all = false, built = false, repository = null }) {
  const folder = emptied(path.resolve(ROOT, out));
  const facts = repository ? { repository: { type: 'git', url: repository } } : {};
  const stages = fs.mkdtempSync(path.join(os.tmpdir(), 'pack-'));
  try {
    const at = path.join(stages, 'main');
    const packed = [{ platform: null, manifest: await stageMain(at, facts), ...pack(at, folder) }];
    for (const platform of platforms()) {
      const addon = addonFile(platform, built);
      if (!addon && all) throw new Stop(`the addon is missing: npm/${platform}/${addonOf(platform)}`);
      if (!addon) continue;
      const place = path.join(stages, platform);
      packed.push({ platform, manifest: stagePlatform(place, platform, addon, facts), ...pack(place, folder) });
    }
    const sums = packed.map(({ filename }) => `${checksum(path.join(folder, filename))}  ${filename}\n`);
    fs.writeFileSync(path.join(folder, 'SHA256SUMS'), sums.join(''));
    return packed;
  } finally {
    fs.rmSync(stages, { recursive: true });
  }
}

module.exports = { pack, packAll, stage };

if (require.main === module) {
  main(async () => {
    const args = process.argv.slice(2);
    if (args.includes('--help')) {
      console.log(USAGE);
      return;
    }
    const options = parse(args);
    await installPackages('.');
    for (const { filename, size } of await packAll(options))
      console.log(`${(size / 1024).toFixed(0).padStart(6)} KiB ${filename}`);
    console.log(`in ${options.out}`);
  });
}
