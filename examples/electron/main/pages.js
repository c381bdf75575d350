'use strict';

// Serves the page, and the images that are on its list, under a scheme of the app's own. Pages of file: may read
// any file that the user may; this one gets what is here, with a strict policy.

const fs = require('fs');
const path = require('path');
const { protocol } = require('electron');
const { typeOf } = require('./images');

const SCHEME = 'app';
const ORIGIN = `${SCHEME}://reader`;
const PAGE = `${ORIGIN}/index.html`;
const FOLDER = path.join(__dirname, '..', 'renderer');

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** To be called before Electron is ready. */
function declareScheme() {
  protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges: { standard: true, secure: true } }]);
}

/**
 * To be called once Electron is ready.
 * @param {(id: string) => string | undefined} imagePath the path of a listed image
 */
function servePages(imagePath) {
  const answer = async (url) => {
    const file = fileOf(new URL(url), imagePath);
    try {
      if (file) return respond(200, file.type, await fs.promises.readFile(file.path));
    } catch (error) {
      // It is gone: as if it had never been there.
    }
    return respond(404, 'text/plain', Buffer.from('Not found'));
  };
  // From Electron 25 on; the other is deprecated there.
  if (protocol.handle) {
    protocol.handle(SCHEME, async (request) => {
      const { status, headers, body } = await answer(request.url);
      return new Response(body, { status, headers });
    });
    return;
  }
  protocol.registerBufferProtocol(SCHEME, async (request, done) => {
    const { status, headers, body } = await answer(request.url);
    const [mimeType, charset] = headers['Content-Type'].split('; charset=');
    done({ statusCode: status, headers, mimeType, charset, data: body });
  });
}

function respond(status, type, body) {
  const headers = {
    'Content-Type': type,
    'Content-Security-Policy': POLICY,
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
  };
  return { status, headers, body };
}

/** @returns {{ path: string, type: string } | null} */
function fileOf({ origin, host, pathname }, imagePath) {
  // What URL gives as the origin of such a scheme differs from Node to Node.
  if (origin !== ORIGIN && host !== 'reader') return null;
  const image = /^\/images\/(\d+)$/.exec(pathname);
  if (image) {
    const file = imagePath(image[1]);
    return file ? { path: file, type: typeOf(file) || 'application/octet-stream' } : null;
  }
  const name = pathname.slice(1);
  // A name and nothing else: no way leads out of the folder.
  if (!/^[a-z-]+\.(?:css|html|js|svg)$/.test(name)) return null;
  return { path: path.join(FOLDER, name), type: TYPES[path.extname(name)] };
}

module.exports = { ORIGIN, PAGE, declareScheme, servePages };
