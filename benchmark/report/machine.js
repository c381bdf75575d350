import { execFileSync } from 'child_process';
import { readFileSync, readdirSync, statSync } from 'fs';
import { arch, cpus, platform, release, totalmem } from 'os';

const packageOf = (url) => JSON.parse(readFileSync(new URL(url, import.meta.url), 'utf8'));

/** The size of the addon that was measured. */
function addonBytes() {
  const root = new URL('../../', import.meta.url);
  const addon = readdirSync(root).find((name) => name.endsWith('.node'));
  return statSync(new URL(addon, root)).size;
}

/** What the figures were measured on, and of which versions. */
export function machine() {
  const own = packageOf('../../package.json');
  const peers = packageOf('../package.json').devDependencies;
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${cpus().length} × ${cpus()[0].model.trim()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${platform()} ${arch()} ${release()}`,
    node: process.version,
    rust: execFileSync('rustc', ['--version'], { encoding: 'utf8' }).trim(),
    addonBytes: addonBytes(),
    versions: { [own.name]: own.version, ...peers },
  };
}
