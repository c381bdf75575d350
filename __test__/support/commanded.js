import { execFileSync } from 'node:child_process';
import { appIn } from './app.js';

/**
 * The app `does-what-stdin-asks.js`, with these options. `ask('engine.start', …)` gives what the call gave, or rejects
 * with what it rejected with. `before`: a command and its arguments that run Node.
 */
export async function commanded(options, { before = [] } = {}) {
  const commandOf = (script) => {
    const [command, ...args] = [...before, process.execPath, script];
    return { command, args };
  };
  const { child, said, ended } = appIn(commandOf, 'does-what-stdin-asks.js', JSON.stringify(options));
  const waiting = new Map();
  let rest = '';
  let last = 0;
  child.stdout.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const [number, outcome, value] = JSON.parse(line);
      const asked = waiting.get(number);
      if (outcome === undefined) continue;
      waiting.delete(number);
      if (outcome === 'done') asked.resolve(value);
      else asked.reject(Object.assign(new Error(value.message), value));
    }
  });
  ended.then(({ code, signal, stderr }) => {
    for (const { reject } of waiting.values()) reject(new Error(`the app has ended: ${code} ${signal} ${stderr}`));
  });
  child.stdin.on('error', () => {});
  const ask = (what, ...args) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      child.stdin.write(`${JSON.stringify([last, what, ...args])}\n`);
    });
  const [pid] = await said;
  const end = () => {
    child.stdin.end();
    return ended;
  };
  /** Sets a limit of the running app (`nofile`, `nproc`); without a number it has none that matters. */
  const limit = (name, most = LARGE) => {
    const [command, ...args] = [...before, 'prlimit', '--pid', String(pid), `--${name}=${most}:`];
    execFileSync(command, args);
  };
  return { pid, ask, end, ended, limit, child };
}

const LARGE = 4096;
