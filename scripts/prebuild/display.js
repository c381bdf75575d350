'use strict';

const { spawn } = require('child_process');
const { Stop } = require('../setup/process');

/**
 * A screen that nobody sees, for what will not start without one.
 * @returns {Promise<{ name: string, close: () => void }>} `name` is the value of DISPLAY
 */
function newDisplay() {
  const args = ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'];
  const server = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  return new Promise((resolve, reject) => {
    const failed = (why) => reject(new Stop(`Xvfb (Debian package xvfb) did not start: ${why}`));
    server.on('error', (error) => failed(error.message));
    server.on('exit', (code) => failed(`it exited with ${code}`));
    let said = '';
    server.stdio[3].setEncoding('utf8').on('data', (text) => {
      said += text;
      if (said.endsWith('\n')) resolve({ name: `:${said.trim()}`, close: () => server.kill() });
    });
  });
}

module.exports = { newDisplay };
