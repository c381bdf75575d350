// Visits every page of the built site in chromium, at the width of a desktop and of a phone.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const load = createRequire(import.meta.url);
const DOCS = path.join(import.meta.dirname, '../../docs');
const SITE = path.join(DOCS, '.vitepress/dist');
const SCREENSHOTS = path.join(DOCS, 'screenshots');
const { chromium } = load(path.join(DOCS, 'node_modules/playwright-core'));
const { serve } = await import(path.join(DOCS, 'node_modules/vitepress/dist/node/index.js'));

const WIDTHS = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
// No sandbox where root asks; and nothing is asked of Google's servers.
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];

function chromiumHere() {
  const found = [process.env.CHROMIUM, ...CHROMIUM].find((file) => file && fs.existsSync(file));
  if (found) return found;
  console.error('chromium is missing: `apt-get install chromium`, or set CHROMIUM to one');
  process.exit(1);
}

/** The pages as addresses of the site; rustdoc's own are checked by rustdoc. */
function pages() {
  const files = fs.readdirSync(SITE, { recursive: true }).map((file) => file.replaceAll('\\', '/'));
  return files.filter((file) => file.endsWith('.html') && !/^(?:rust\/|404)/.test(file)).map((file) => `/${file}`);
}

/** What a page shows of itself, as seen from inside of it. */
function inspect() {
  const shown = document.querySelector('.VPContent');
  const clip = (text) => text.trim().replace(/\s+/g, ' ').slice(0, 60);
  return {
    links: Array.from(document.querySelectorAll('a[href]'), ({ href }) => href),
    anchors: Array.from(document.querySelectorAll('[id]'), ({ id }) => id),
    images: Array.from(document.images)
      .filter(({ complete, naturalWidth }) => !complete || naturalWidth === 0)
      .map(({ src }) => src),
    overflow: Math.max(document.documentElement.scrollWidth, shown?.scrollWidth ?? 0) - window.innerWidth,
    // A table and a block of code scroll in themselves; what is wider than its page without that is cut off.
    cut: Array.from(shown?.querySelectorAll('main :is(p, li, h1, h2, h3, img)') ?? [])
      .filter((element) => element.getBoundingClientRect().right > window.innerWidth + 1)
      .filter((element) => !element.closest('table, pre, [class*=language-]'))
      .map(({ textContent, tagName }) => `${tagName} ${clip(textContent)}`),
    empty: clip(document.querySelector('main')?.textContent ?? '') === '',
  };
}

const server = await serve({ root: DOCS, port: 0 });
const { port } = await new Promise((resolve) => {
  const http = server.server ?? server;
  if (http.address?.()) resolve(http.address());
  else http.once('listening', () => resolve(http.address()));
});
const ORIGIN = `http://localhost:${port}`;
const browser = await chromium.launch({ executablePath: chromiumHere(), args: ARGS });
fs.rmSync(SCREENSHOTS, { recursive: true, force: true });

const faults = [];
const seen = new Map();
for (const [name, viewport] of Object.entries(WIDTHS)) {
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  let at = '';
  const fault = (text) => faults.push(`${at} (${name}): ${text}`);
  page.on('console', (message) => message.type() === 'error' && fault(`console: ${message.text()}`));
  page.on('pageerror', (error) => fault(`error: ${error.message}`));
  page.on('response', (response) => response.status() >= 400 && fault(`${response.status()} ${response.url()}`));
  page.on('request', (request) => {
    if (!/^(?:data|blob):/.test(request.url()) && !request.url().startsWith(ORIGIN)) fault(`asks ${request.url()}`);
  });
  for (at of pages()) {
    await page.goto(ORIGIN + at, { waitUntil: 'networkidle' });
    const found = await page.evaluate(inspect);
    seen.set(at, found);
    found.images.forEach((image) => fault(`image ${image}`));
    found.cut.forEach((text) => fault(`cut off: ${text}`));
    if (found.overflow > 0) fault(`${found.overflow} px wider than the window`);
    if (found.empty) fault('empty');
    const file = path.join(SCREENSHOTS, name, `${at.slice(1).replaceAll('/', '-').replace('.html', '')}.png`);
    await page.screenshot({ path: file });
  }
  await context.close();
}

/** Why a link leads nowhere; null when it is good, or leads to somebody else's site. */
function whyBroken(link) {
  const { origin, pathname, hash } = new URL(link);
  if (origin !== ORIGIN) return null;
  const file = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
  const names = [file, `${file}.html`].map(decodeURIComponent);
  const there = names.find((each) => fs.existsSync(path.join(SITE, each)));
  if (!there) return 'is not there';
  const anchor = decodeURIComponent(hash.slice(1));
  const target = seen.get(there);
  return anchor === '' || !target || target.anchors.includes(anchor) ? null : 'has no such anchor';
}

for (const [at, { links }] of seen) {
  for (const link of new Set(links)) {
    const why = whyBroken(link);
    if (why) faults.push(`${at}: ${link.replace(ORIGIN, '')} ${why}`);
  }
}

// The search, as a reader uses it.
const page = await browser.newPage({ viewport: WIDTHS.desktop });
await page.goto(ORIGIN, { waitUntil: 'networkidle' });
await page.keyboard.press('Control+k');
await page.locator('.VPLocalSearchBox input').fill('STARTUP_TIMEOUT');
await page.locator('.VPLocalSearchBox .result').first().waitFor({ timeout: 10_000 });
await page.screenshot({ path: path.join(SCREENSHOTS, 'desktop', 'search.png') });

await browser.close();
(server.server ?? server).close();
console.log(`${seen.size} pages at ${Object.keys(WIDTHS).join(' and ')} width; pictures in docs/screenshots`);
faults.forEach((text) => console.log(`  ${text}`));
console.log(faults.length === 0 ? 'no faults' : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
