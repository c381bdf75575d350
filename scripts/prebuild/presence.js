'use strict';

const net = require('net');
const readline = require('readline');

/**
 * Who of the trial's processes lives. Each connects, says what it is, and is gone when its connection is: that holds for
 * processes inside of Wine and qemu as well, whose numbers mean nothing out here.
 */
class Presence {
  constructor() {
    this.processes = [];
    this.waiting = new Set();
    this.server = net.createServer((socket) => this.welcome(socket));
  }

  listen() {
    return new Promise((resolve) => this.server.listen(0, '127.0.0.1', () => resolve(this.server.address().port)));
  }

  close() {
    this.server.close();
  }

  welcome(socket) {
    const guest = { role: null, lives: true, said: [] };
    socket.on('error', () => {});
    socket.on('close', () => {
      guest.lives = false;
      this.changed();
    });
    readline.createInterface({ input: socket }).on('line', (line) => {
      const message = JSON.parse(line);
      if (message.role) {
        guest.role = message.role;
        this.processes.push(guest);
      } else {
        guest.said.push(message);
      }
      this.changed();
    });
  }

  changed() {
    for (const look of this.waiting) look();
  }

  /** Forgets those that are gone. */
  begin() {
    this.processes = this.processes.filter(({ lives }) => lives);
  }

  lives(role) {
    return this.processes.some((guest) => guest.role === role && guest.lives);
  }

  /** All messages of processes of a role, in their order. */
  said(role) {
    return this.processes.filter((guest) => guest.role === role).flatMap(({ said }) => said);
  }

  /** Waits until `holds` gives something true, and gives that, or throws; looks again whenever something is heard. */
  until(holds, what, deadlineMs) {
    return new Promise((resolve, reject) => {
      let timer = null;
      const end = (settle, value) => {
        clearTimeout(timer);
        this.waiting.delete(look);
        settle(value);
      };
      const look = () => {
        try {
          const value = holds();
          if (value) end(resolve, value);
        } catch (error) {
          end(reject, error);
        }
      };
      timer = setTimeout(() => end(reject, new Error(`${what}: not within ${deadlineMs} ms`)), deadlineMs);
      this.waiting.add(look);
      look();
    });
  }
}

module.exports = { Presence };
