'use strict';

const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');

/** Older than any package manager's rule about versions that are too new. */
const PUBLISHED = '2020-01-01T00:00:00.000Z';

function distOf(file, url) {
  if (!file) return { tarball: `${url}not-here.tgz` };
  const content = fs.readFileSync(file);
  return {
    tarball: `${url}${path.basename(file)}`,
    integrity: `sha512-${crypto.createHash('sha512').update(content).digest('base64')}`,
    shasum: crypto.createHash('sha1').update(content).digest('hex'),
  };
}

function documentOf({ manifest, file }, url) {
  const dist = distOf(file, url);
  const { name, version } = manifest;
  return {
    _id: name,
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, _id: `${name}@${version}`, dist } },
    time: { created: PUBLISHED, modified: PUBLISHED, [version]: PUBLISHED },
  };
}

/**
 * A registry on this machine that has these packages and no others: with it the optional dependencies are real, and
 * nothing is asked of a network.
 * @param {{ manifest: object, file: string | null }[]} packages `file: null` is known, but cannot be downloaded
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
async function serve(packages) {
  const server = http.createServer((request, response) => {
    const name = decodeURIComponent(request.url.slice(1));
    const found = packages.find(
      ({ manifest, file }) => name === manifest.name || (file && name === path.basename(file)),
    );
    if (!found) {
      response.writeHead(404).end('{"error":"not found"}');
    } else if (name === found.manifest.name) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(documentOf(found, url)));
    } else {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(fs.readFileSync(found.file));
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const close = () => new Promise((resolve) => server.close(resolve).closeAllConnections());
  return { url, close };
}

module.exports = { serve };
