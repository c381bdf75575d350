import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach } from 'vitest';

const made = [];

afterEach(() => {
  for (const folder of made.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

/** A new empty folder, removed after the test. */
export function folder() {
  const created = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'engine-test-')));
  made.push(created);
  return created;
}

/** Writes a file that can be executed, and its folders; gives its path. */
export function executable(file, text) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  fs.chmodSync(file, 0o755);
  return file;
}
