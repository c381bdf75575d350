'use strict';

const path = require('path');
const { GLIBC_FLOOR, libcOf, systemOf } = require('./targets');

// What an addon may be made of, by target. Pure: it is given what `facts.py` read.

const ENTRY = 'napi_register_module_v1';
const MOST_BYTES = 5 * 1024 * 1024;

const MACHINES = {
  ELF: { x64: 'X86_64', arm64: 'AARCH64' },
  PE: { x64: 'AMD64', arm64: 'ARM64' },
  'Mach-O': { x64: 'X86_64', arm64: 'ARM64' },
};
const FORMATS = { linux: 'ELF', win32: 'PE', darwin: 'Mach-O' };

// What is on every machine of the kind. No libgcc_s, no libstdc++, no winpthread: the addon has its unwinder in itself.
const LIBRARIES = {
  gnu: /^(?:lib(?:c|m|dl|rt|pthread)\.so\.\d|ld-linux-(?:x86-64|aarch64)\.so\.\d)$/,
  musl: /^libc\.so$/,
  win32: /^(?:kernel32|ntdll|oleaut32|ws2_32|bcryptprimitives|api-ms-win-(?:crt|core)-[\w-]+)\.dll$/i,
  darwin: /^\/usr\/lib\/lib(?:System\.B|iconv\.2|charset\.1)\.dylib$/,
};

function isNewer(version, floor) {
  const [ours, most] = [version, floor].map((text) => text.split('.').map(Number));
  const at = ours.findIndex((part, index) => part !== (most[index] || 0));
  return at >= 0 && ours[at] > (most[at] || 0);
}

const onlyEntry = ({ exports: names }) => {
  const others = names.filter((name) => name !== ENTRY);
  return others.length > 0 ? [`exports ${others.slice(0, 5).join(', ')} as well`] : [];
};

const RULES = {
  gnu: (facts) => {
    const versions = facts.imports.map(({ version }) => version).filter(Boolean);
    const others = versions.filter((version) => !/^GLIBC_[\d.]+$/.test(version));
    const newer = versions.filter((version) => !others.includes(version) && isNewer(version.slice(6), GLIBC_FLOOR));
    const wrong = [...new Set([...others, ...newer])];
    return [...onlyEntry(facts), ...wrong.map((version) => `needs ${version}, the floor is glibc ${GLIBC_FLOOR}`)];
  },
  musl: (facts, { musl }) => {
    const missing = facts.imports.filter(({ name, weak }) => !weak && !musl.has(name));
    return [...onlyEntry(facts), ...missing.map(({ name }) => `needs ${name}, which musl 1.2.3 has not`)];
  },
  win32: () => [],
  darwin: (facts, { libSystem }, target) => {
    const faults = [];
    const oldest = target.oldest.split(' ')[1];
    const name = `@rpath/${path.posix.basename(target.addon)}`;
    if (facts.oldest !== oldest) faults.push(`is for macOS ${facts.oldest}, not ${oldest}`);
    if (facts.name !== name) faults.push(`calls itself ${facts.name}, not ${name}`);
    if (facts.layout !== null) faults.push(`has a layout that dyld refuses: ${facts.layout}`);
    // Without a signature arm64 Macs kill the process; ad hoc is enough.
    if (target.platform.endsWith('arm64') && !facts.signed) faults.push('is not signed');
    // What nothing defines links all the same: napi-build asks the linker to look it up at run time.
    const missing = facts.imports.filter(
      (symbol) => !libSystem.has(symbol.name) && !/^_?(?:lib)?iconv/.test(symbol.name),
    );
    return [...faults, ...missing.map((symbol) => `needs ${symbol.name}, which libSystem has not`)];
  },
};

/**
 * @param {{ platform: string, oldest: string, addon: string }} target
 * @param {object} facts what `facts.py` printed for the addon, and its `bytes`
 * @param {{ musl: Set<string>, libSystem: Set<string>, folders: string[] }} machine what the systems' libraries offer, and
 *   folders of the machine that it was built on
 * @returns {string[]} what is wrong with it
 */
function judge(target, facts, machine) {
  const system = systemOf(target);
  const kind = libcOf(target) || system;
  const faults = [];
  const machineType = (MACHINES[facts.format] || {})[target.platform.split('-')[1]];
  if (facts.format !== FORMATS[system] || facts.machine !== machineType) {
    faults.push(`is ${facts.format} for ${facts.machine}`);
  }
  if (facts.bytes.length > MOST_BYTES) faults.push(`has ${facts.bytes.length} bytes, more than ${MOST_BYTES}`);
  if (!facts.exports.some((name) => name === ENTRY || name === `_${ENTRY}`)) faults.push(`does not export ${ENTRY}`);
  faults.push(...facts.libraries.filter((name) => !LIBRARIES[kind].test(name)).map((name) => `needs ${name}`));
  faults.push(...machine.folders.filter((folder) => facts.bytes.includes(folder)).map((folder) => `names ${folder}`));
  faults.push(...RULES[kind](facts, machine, target));
  return faults.map((fault) => `${target.platform}: ${fault}`);
}

module.exports = { MOST_BYTES, judge };
