'use strict';

const { Stop } = require('./process');

// The napi CLI writes binding.js for every platform that napi-rs knows. Two of its habits do not suit this package.

// Another napi-rs package in the same app may be steered by this variable; it must not hand us that package's addon.
const SHARED_OVERRIDE = 'process.env.NAPI_RS_NATIVE_LIBRARY_PATH';
const OWN_OVERRIDE = 'process.env.DESKTOP_RUNTIME_ADDON';

// It blames npm, and leaves the real reasons to `cause`, which Node before 16.14 and Electron do not print.
const VAGUE_MESSAGE = `
      \`Cannot find native binding. \` +
        \`npm has a bug related to optional dependencies (https://github.com/npm/cli/issues/4828). \` +
        'Please try \`npm i\` again after removing both package-lock.json and node_modules directory.',
`;
const CLEAR_MESSAGE = `
      \`@niche-knack/desktop-runtime: no native addon for \${process.platform}-\${process.arch} could be loaded\` +
        loadErrors.map((e) => '\\n- ' + String((e && e.message) || e).split('\\n')[0]).join(''),
`;

function replaceAll(source, old, by) {
  const parts = source.split(old);
  if (parts.length < 2) {
    throw new Stop(`scripts/setup/loader.js: the napi CLI no longer writes this into binding.js: ${old.trim()}`);
  }
  return parts.join(by);
}

/** The loader as the napi CLI wrote it, made to load nobody else's addon and to say why it found none. */
function editLoader(source) {
  return replaceAll(replaceAll(source, SHARED_OVERRIDE, OWN_OVERRIDE), VAGUE_MESSAGE, CLEAR_MESSAGE);
}

module.exports = { editLoader };
