import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import runtime from '../../index.js';
import { ROOT } from '../support/documents.js';

const read = (file) => readFileSync(join(ROOT, file), 'utf8');
const PAGE = read('docs/troubleshooting.md');
const ERRORS = read('docs/guide/errors.md');

const [, listed] = /code, the number of an \{@link ErrorCodes\} name, or one of ([^]*?)\*\//.exec(read('index.d.ts'));
const STRINGS = Array.from(listed.matchAll(/`([A-Z_]+)`/g), ([, code]) => code);
const CODES = [...STRINGS, ...Object.keys(runtime.ErrorCodes), 'ENOENT', 'EACCES', 'ENOEXEC', 'ADDON_NOT_LOADED'];

test('the codes are those of the types', () => {
  expect(STRINGS).toHaveLength(14);
});

test.each(CODES)('%s has a heading, with symptom, cause and cure', (code) => {
  const section = PAGE.split(/^##+ /m).find((text) => new RegExp(`\\b${code}\\b`).test(text.split('\n', 1)[0]));
  expect(section, code).toBeTypeOf('string');
  const parts = code === 'ADDON_NOT_LOADED' ? ['**Symptom.**'] : ['**Symptom.**', '**Cause.**', '**Cure.**'];
  for (const part of parts) expect(section).toContain(part);
});

test.each([...STRINGS, ...Object.keys(runtime.ErrorCodes)])('%s is on the page of errors', (code) => {
  expect(ERRORS).toContain(code);
});
