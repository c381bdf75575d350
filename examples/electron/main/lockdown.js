'use strict';

// What no page of this app may do: go elsewhere, open windows, ask for permissions, use the network.

const { ORIGIN } = require('./pages');

/** To be called before Electron is ready; holds for every page and session that is made from then on. */
function lockDown(app) {
  app.on('web-contents-created', (event, contents) => {
    for (const change of ['will-navigate', 'will-redirect', 'will-frame-navigate', 'will-attach-webview']) {
      contents.on(change, (attempt) => attempt.preventDefault());
    }
    denyWindows(contents);
  });
  app.on('session-created', denyRequests);
}

function denyWindows(contents) {
  // From Electron 12 on; the event is gone since 22.
  if (contents.setWindowOpenHandler) contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  else contents.on('new-window', (attempt) => attempt.preventDefault());
}

function denyRequests(session) {
  session.setPermissionRequestHandler((contents, permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  // USB and its like; from Electron 16 on.
  if (session.setDevicePermissionHandler) session.setDevicePermissionHandler(() => false);
  session.on('will-download', (event) => event.preventDefault());
  session.webRequest.onBeforeRequest(({ url }, answer) => {
    answer({ cancel: !url.startsWith(`${ORIGIN}/`) && !url.startsWith('devtools://') });
  });
}

module.exports = { lockDown };
