import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheIn, v1Name } from '../support/cache-folders.js';
import { consoleErrors } from '../support/console-errors.js';
import { folder } from '../support/folders.js';
import { SNAPSHOT, ids, job, openRecovery, readIn } from '../support/recovery-folders.js';

const lines = consoleErrors();
const GIB = 1024 ** 3;

/** A file of that length which takes no space. */
function hollow(file, length) {
  fs.writeFileSync(file, '');
  fs.truncateSync(file, length);
}

const nested = (depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('What is in a folder cannot fill memory, overflow a stack or stop the app', () => {
  test('a hollow snapshot of more than 1 GiB is set aside unread', async () => {
    const stateDir = folder();
    hollow(path.join(stateDir, SNAPSHOT), 64 * GIB);
    const before = process.memoryUsage().rss;
    const one = await openRecovery({ stateDir });
    expect(process.memoryUsage().rss - before).toBeLessThan(GIB / 4);
    one.trackJob(job('a'));
    await one.shutdown();
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['a']);
    const aside = fs.readdirSync(stateDir).filter((name) => name.startsWith(`${SNAPSHOT}.corrupt-`));
    expect(aside.map((name) => fs.statSync(path.join(stateDir, name)).size)).toEqual([64 * GIB]);
    expect(lines.join('\n')).toMatch(`${64 * GIB} bytes, and a part of them hollow, are more than is ever read`);
  });

  test('hollow journals of more than 1 GiB in all are set aside unread, the first ones are read', async () => {
    const stateDir = folder();
    const before = await openRecovery({ stateDir });
    before.trackJob(job('a'));
    const [journal] = fs.readdirSync(stateDir).filter((name) => name.startsWith('recovery-journal-'));
    const files = [journal, SNAPSHOT].map((name) => [name, fs.readFileSync(path.join(stateDir, name))]);
    await before.shutdown();
    const copy = folder();
    for (const [name, bytes] of files) fs.writeFileSync(path.join(copy, name), bytes);
    for (const generation of [7, 8]) hollow(path.join(copy, `recovery-journal-${generation}.log`), 2 * GIB);
    expect(ids((await readIn(copy)).jobs)).toEqual(['a']);
    expect(fs.readdirSync(copy).filter((name) => /^recovery-journal-[78]\.log\.corrupt-/.test(name))).toHaveLength(2);
  });

  test.each([
    ['as high as a number can be', '18446744073709551615'],
    ['as high as JavaScript counts', '9007199254740992'],
    ['beyond any number', '9'.repeat(40)],
    ['with a sign', '+1'],
    ['with a zero in front', '01'],
  ])('a journal with a generation %s', async (_, digits) => {
    const stateDir = folder();
    const name = `recovery-journal-${digits}.log`;
    fs.writeFileSync(path.join(stateDir, name), 'not ours');
    const one = await openRecovery({ stateDir });
    one.trackJob(job('a'));
    await one.shutdown();
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['a']);
    expect(fs.readFileSync(path.join(stateDir, name), 'utf8')).toBe('not ours');
  });

  test('jobs and journals nested 100 000 deep', async () => {
    const stateDir = folder();
    const deep = nested(100_000);
    const state = `{"pendingJobs":[{"id":"deep","type":"t","payload":${deep}},{"id":"a","type":"t","payload":1}],"runningJobs":${deep}}`;
    fs.writeFileSync(path.join(stateDir, SNAPSHOT), state);
    const whole = { ...job('b'), state: 'pending', progress: 0, createdAt: 1, retries: 0 };
    const handedOver = [];
    const one = await openRecovery({ stateDir, onJobRecovery: ({ id }) => handedOver.push(id) });
    expect(handedOver).toEqual(['deep', 'a']);
    await one.shutdown();
    fs.writeFileSync(
      path.join(stateDir, SNAPSHOT),
      `{"pendingJobs":[${JSON.stringify(whole)}],"x":${nested(100_000).slice(0, -9)}`,
    );
    expect(ids((await readIn(stateDir)).jobs)).toEqual(['b']);
  });

  test('version 1’s entries: too long, nested 100 000 deep, not ended', async () => {
    const cacheDir = folder();
    const file = (key) => path.join(cacheDir, v1Name(key));
    hollow(file('long'), 64 * GIB);
    const entry = (value) => `{"value":${value},"expiresAt":null,"createdAt":1}`;
    fs.writeFileSync(file('deep'), entry(nested(100_000)));
    fs.writeFileSync(file('not ended'), entry('['.repeat(100_000)));
    fs.writeFileSync(file('times'), '{"value":1,"expiresAt":1e999,"createdAt":-1e999}');
    const cache = cacheIn(cacheDir);
    const before = process.memoryUsage().rss;
    for (const key of ['long', 'not ended', 'times']) expect(await cache.get(key)).toEqual({ found: false });
    expect((await cache.get('deep')).found).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(GIB / 2);
    await cache.prune();
    expect(await cache.clear()).toMatchObject({ success: true });
    await cache.close();
  });
});
