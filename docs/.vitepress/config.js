import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

import { defineConfig } from 'vitepress';

import { FILES, PAGES } from './pages.js';
import { slug } from './slug.js';

const DOCS = join(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(DOCS, '../package.json'), 'utf8'));

const absent = FILES.filter((file) => !existsSync(join(DOCS, `${file}.md`)));
for (const file of absent) console.warn(`docs/${file}.md is not there: the site is built without it`);

/** What TypeDoc wrote; without it (`vitepress dev` by hand) the API pages are missing, and nothing else. */
function apiSidebar() {
  const file = join(DOCS, 'api/typedoc-sidebar.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
}

/** Pages name files of the repository by relative links, which work on a code host. The site has no such files. */
function linksOutAreText(md) {
  const opened =
    md.renderer.rules.link_open ?? ((tokens, at, options, env, self) => self.renderToken(tokens, at, options));
  const closed =
    md.renderer.rules.link_close ?? ((tokens, at, options, env, self) => self.renderToken(tokens, at, options));
  const leaves = (token, env) => {
    const target = token.attrGet('href') ?? '';
    if (/^(?:[a-z]+:|#|\/)/.test(target) || !env.path) return false;
    return relative(DOCS, join(dirname(env.path), target)).startsWith('..');
  };
  md.renderer.rules.link_open = (tokens, at, options, env, self) => {
    if (!leaves(tokens[at], env)) return opened(tokens, at, options, env, self);
    const closing = tokens.findIndex((token, index) => index > at && token.type === 'link_close');
    tokens[closing].meta = { leaves: true };
    return '<em>';
  };
  md.renderer.rules.link_close = (tokens, at, options, env, self) =>
    tokens[at].meta?.leaves ? '</em>' : closed(tokens, at, options, env, self);
}

export default defineConfig({
  title: 'desktop-runtime',
  description: 'The native runtime between a desktop app and its engine',
  lang: 'en',
  head: [['link', { rel: 'icon', href: '/favicon.svg' }]],
  srcExclude: ['README.md', 'node_modules/**', 'screenshots/**'],
  ignoreDeadLinks: [(url) => absent.some((file) => basename(file) === basename(url, '.md'))],
  markdown: { config: linksOutAreText, anchor: { slugify: slug } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/guide/getting-started', activeMatch: '/guide/' },
      { text: 'Engines', link: '/engines/contract', activeMatch: '/engines/' },
      { text: 'API', link: '/api/', activeMatch: '/api/' },
      { text: 'Rust core', link: '/rust/desktop_runtime_core/index.html', target: '_self' },
      { text: version, link: '/recipes/from-version-1' },
    ],
    sidebar: {
      '/api/': [{ text: 'API', link: '/api/', items: apiSidebar() }],
      '/': PAGES.map(([text, pages]) => ({
        text,
        items: pages
          .filter(([, file]) => !absent.includes(file))
          .map(([title, file]) => ({ text: title, link: `/${file === 'index' ? '' : file}` })),
      })),
    },
  },
});
