import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';

const load = createRequire(import.meta.url);
const { MOST_BYTES, judge } = load('../../scripts/prebuild/rules.js');
const { TARGETS } = load('../../scripts/prebuild/targets.js');

const ENTRY = 'napi_register_module_v1';
const MACHINE = {
  musl: new Set(['malloc', 'open']),
  libSystem: new Set(['_malloc', '_open']),
  folders: ['/where/it/was/built'],
};

/** What is read in an addon that is as it should be. */
const SOUND = {
  'linux-x64-gnu': {
    format: 'ELF',
    machine: 'X86_64',
    libraries: ['libc.so.6', 'libm.so.6', 'libpthread.so.0', 'libdl.so.2', 'ld-linux-x86-64.so.2'],
    imports: [
      { name: 'malloc', version: 'GLIBC_2.2.5', weak: false },
      { name: 'getauxval', version: 'GLIBC_2.17', weak: false },
      { name: '__cxa_finalize', version: null, weak: true },
    ],
    exports: [ENTRY],
  },
  'linux-arm64-musl': {
    format: 'ELF',
    machine: 'AARCH64',
    libraries: ['libc.so'],
    imports: [
      { name: 'malloc', version: null, weak: false },
      { name: 'gnu_get_libc_version', version: null, weak: true },
    ],
    exports: [ENTRY],
  },
  'win32-x64-gnullvm': {
    format: 'PE',
    machine: 'AMD64',
    libraries: ['KERNEL32.dll', 'ntdll.dll', 'bcryptprimitives.dll', 'api-ms-win-crt-heap-l1-1-0.dll'],
    imports: [{ name: 'CreateJobObjectW', library: 'KERNEL32.dll' }],
    exports: [ENTRY, 'sqlite3_open'],
  },
  'darwin-arm64': {
    format: 'Mach-O',
    machine: 'ARM64',
    libraries: ['/usr/lib/libSystem.B.dylib'],
    imports: [{ name: '_malloc' }],
    exports: [`_${ENTRY}`],
    oldest: '11.0',
    name: '@rpath/desktop-runtime.darwin-arm64.node',
    signed: true,
    layout: null,
  },
};

function faults(platform, change = {}) {
  const target = TARGETS.find((one) => one.platform === platform);
  const facts = { bytes: Buffer.from('an addon'), ...SOUND[platform], ...change };
  return judge(target, facts, MACHINE);
}

test.each(Object.keys(SOUND))('%s: a sound addon has no faults', (platform) => {
  expect(faults(platform)).toEqual([]);
});

describe.each(Object.keys(SOUND))('%s: refused is what', (platform) => {
  test('is for another processor or system', () => {
    const others = ['linux-x64-gnu', 'win32-x64-gnullvm', 'darwin-arm64'].filter((other) => other !== platform);
    for (const { format, machine } of others.map((other) => SOUND[other])) {
      expect(faults(platform, { format, machine })).toContain(`${platform}: is ${format} for ${machine}`);
    }
  });

  test('names a folder of the machine that built it', () => {
    const bytes = Buffer.from('panicked at /where/it/was/built/src/lib.rs');
    expect(faults(platform, { bytes })).toEqual([`${platform}: names /where/it/was/built`]);
  });

  test('is too large', () => {
    expect(faults(platform, { bytes: Buffer.alloc(MOST_BYTES) })).toEqual([]);
    expect(faults(platform, { bytes: Buffer.alloc(MOST_BYTES + 1) })).toHaveLength(1);
  });

  test('does not export what napi calls', () => {
    expect(faults(platform, { exports: [] })).toEqual([`${platform}: does not export ${ENTRY}`]);
  });

  test.each(['libgcc_s.so.1', 'libstdc++.so.6', 'libwinpthread-1.dll', 'libunwind.dll', '/opt/lib/libz.dylib'])(
    'needs %s',
    (name) => {
      const libraries = [...SOUND[platform].libraries, name];
      expect(faults(platform, { libraries })).toEqual([`${platform}: needs ${name}`]);
    },
  );
});

test.each(['GLIBC_2.18', 'GLIBC_2.34', 'GLIBC_3.0', 'GCC_3.0', 'GLIBC_PRIVATE'])('glibc: %s is refused', (version) => {
  const imports = [{ name: 'something', version, weak: false }];
  expect(faults('linux-x64-gnu', { imports })).toEqual([`linux-x64-gnu: needs ${version}, the floor is glibc 2.17`]);
});

test('musl: a strong symbol that the oldest one lacks is refused', () => {
  const imports = [{ name: 'statx', version: null, weak: false }];
  expect(faults('linux-arm64-musl', { imports })).toEqual(['linux-arm64-musl: needs statx, which musl 1.2.3 has not']);
});

test('Linux: another export beside the entry is refused', () => {
  const names = [ENTRY, 'sqlite3_open'];
  expect(faults('linux-x64-gnu', { exports: names })).toEqual(['linux-x64-gnu: exports sqlite3_open as well']);
});

describe('macOS: refused is', () => {
  test.each([
    ['another deployment target', { oldest: '15.0' }, 'is for macOS 15.0, not 11.0'],
    [
      'a path as the name',
      { name: '/tmp/x.dylib' },
      'calls itself /tmp/x.dylib, not @rpath/desktop-runtime.darwin-arm64.node',
    ],
    ['what is not signed', { signed: false }, 'is not signed'],
    ['what dyld would refuse', { layout: 'overlap' }, 'has a layout that dyld refuses: overlap'],
    ['what nothing defines', { imports: [{ name: '_lost' }] }, 'needs _lost, which libSystem has not'],
  ])('%s', (_, change, fault) => {
    expect(faults('darwin-arm64', change)).toEqual([`darwin-arm64: ${fault}`]);
  });
});
