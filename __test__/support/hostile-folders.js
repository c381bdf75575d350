import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { folder } from './folders.js';

const TEXT = '{"the victim":"has a text of its own"}';

/** What somebody who may write into a folder can put in place of one of its files. `victim` is at home elsewhere. */
export const PLANTS = {
  'a symbolic link': (file, victim) => fs.symlinkSync(victim, file),
  'a symbolic link to nothing': (file, victim) => fs.symlinkSync(`${victim}.missing`, file),
  'a symbolic link to a folder': (file, victim) => fs.symlinkSync(path.dirname(victim), file),
  'a second name of a file': (file, victim) => fs.linkSync(victim, file),
  'a named pipe': (file) => execFileSync('mkfifo', [file]),
  'a folder': (file) => fs.mkdirSync(file),
};

/** A new empty folder that others can write into, as they can into `/tmp`. */
export function openFolder() {
  const where = folder();
  fs.chmodSync(where, 0o1777);
  return where;
}

/** A file that nobody here has a right to, alone in a folder; `untouched()` fails when anything about it changed. */
export function victim() {
  const home = folder();
  const file = path.join(home, 'victim');
  fs.writeFileSync(file, TEXT);
  fs.chmodSync(file, 0o644);
  fs.utimesSync(file, 1000, 1000);
  const untouched = () => {
    expect(fs.readdirSync(home)).toEqual(['victim']);
    expect(fs.readFileSync(file, 'utf8')).toBe(TEXT);
    const { mode, mtimeMs, size } = fs.statSync(file);
    expect({ mode: mode & 0o777, mtimeMs, size }).toEqual({ mode: 0o644, mtimeMs: 1_000_000, size: TEXT.length });
  };
  return { file, untouched };
}

/** Puts a plant in place of whatever has the name. */
export function plant(kind, file, at) {
  fs.rmSync(file, { force: true, recursive: true });
  PLANTS[kind](file, at);
}

/** The modes of the files in a folder, by name. */
export function modesIn(where) {
  return Object.fromEntries(
    fs.readdirSync(where).map((name) => [name, (fs.lstatSync(path.join(where, name)).mode & 0o777).toString(8)]),
  );
}

/** Runs SQL on a database file, in Python: this package's own hands are tied. */
export function withSql(file, ...statements) {
  const program = [
    'import sqlite3, sys',
    'connection = sqlite3.connect(sys.argv[1])',
    'for statement in sys.argv[2:]: connection.execute(statement)',
    'connection.commit()',
    'connection.close()',
  ].join('\n');
  execFileSync('python3', ['-c', program, file, ...statements]);
}
