import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

import { describe, expect, test } from 'vitest';

import { FILES } from '../../docs/.vitepress/pages.js';
import { slug } from '../../docs/.vitepress/slug.js';
import { DOCUMENTS, ROOT } from '../support/documents.js';

const read = (file) => readFileSync(join(ROOT, file), 'utf8').replace(/^([ \t]*)(```+)[^]*?^\1\2$/gm, '');

/** The anchors that a document's headings give it. */
function anchors(document) {
  const plain = (heading) =>
    heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[`*]/g, '')
      .replace(/<[^>]+>/g, '');
  return Array.from(read(document).matchAll(/^#{1,6} (.+)$/gm), ([, heading]) => slug(plain(heading)));
}

/** The links of a document that lead nowhere. Pages of the API are written when the site is built. */
function broken(document) {
  const targets = Array.from(read(document).matchAll(/\]\((?![a-z]+:)([^)\s]+)\)/g), ([, target]) => target);
  return targets.filter((target) => {
    const [path, anchor] = target.split('#');
    const file = path === '' ? document : normalize(join(dirname(document), path)).replaceAll('\\', '/');
    if (file.startsWith('docs/api/')) return false;
    if (path.startsWith('/')) return !existsSync(join(ROOT, 'docs/public', path));
    if (!existsSync(join(ROOT, file))) return true;
    return anchor !== undefined && file.endsWith('.md') && !anchors(file).includes(anchor);
  });
}

describe.each(DOCUMENTS)('%s', (document) => {
  test('every link and every anchor leads somewhere', () => {
    expect(broken(document)).toEqual([]);
  });
});

test('the sidebar has every page, and every page of the sidebar is there', () => {
  const written = DOCUMENTS.filter((file) => file.startsWith('docs/')).map((file) => file.slice(5, -'.md'.length));
  expect([...FILES].sort()).toEqual(written.sort());
});
