import { execFileSync } from 'child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { performance } from 'perf_hooks';
import { fileURLToPath } from 'url';
import { packAll } from '../../scripts/pack/index.js';
import { clients } from '../clients/index.js';
import { percentile } from '../measure.js';

const HERE = fileURLToPath(new URL('..', import.meta.url));
const IDLE_SECONDS = 3;
/** What an app loads first; each in a Node of its own, or the second would find the first's modules. */
const LOADS = {
  ours: "require('@niche-knack/desktop-runtime')",
  'vscode-jsonrpc': "require('vscode-jsonrpc/node')",
  'MCP SDK': "require('@modelcontextprotocol/sdk/client/stdio.js')",
};

/** A folder in which our packages are installed, as an app has them: one file of code, and the addon. */
async function installed() {
  const folder = mkdtempSync(join(tmpdir(), 'benchmark-require-'));
  for (const { filename, manifest } of await packAll({ out: folder, built: true })) {
    const place = join(folder, 'node_modules', manifest.name);
    mkdirSync(place, { recursive: true });
    execFileSync('tar', ['-xzf', join(folder, filename), '-C', place, '--strip-components=1']);
  }
  return folder;
}

/** How often threads of this process were woken; what only Linux tells. */
function wakeUps() {
  const tasks = '/proc/self/task';
  return readdirSync(tasks).reduce((sum, task) => {
    const [, count] = /voluntary_ctxt_switches:\s*(\d+)/.exec(readFileSync(`${tasks}/${task}/status`, 'utf8'));
    return sum + Number(count);
  }, 0);
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export default {
  name: 'start',
  cases: [
    {
      name: 'start to ready',
      contestants: ['ours', 'plain Node'],
      figures: { ready: { unit: 'ms', better: 'less' } },
      async measure(contestant) {
        const times = new Float64Array(15);
        await (await clients[contestant]()).stop();
        for (let index = 0; index < times.length; index += 1) {
          const start = performance.now();
          const client = await clients[contestant]();
          times[index] = performance.now() - start;
          await client.stop();
        }
        return { ready: percentile(times, 0.5) };
      },
    },
    {
      name: 'require',
      contestants: Object.keys(LOADS),
      figures: { load: { unit: 'ms', better: 'less' } },
      async measure(contestant) {
        const script = `const start = process.hrtime(); ${LOADS[contestant]};
          const [seconds, nanos] = process.hrtime(start); console.log(seconds * 1e3 + nanos / 1e6)`;
        const own = contestant === 'ours' ? await installed() : null;
        try {
          const times = Float64Array.from({ length: 9 }, () =>
            Number(execFileSync(process.execPath, ['-e', script], { cwd: own || HERE, encoding: 'utf8' })),
          );
          return { load: percentile(times, 0.5) };
        } finally {
          if (own) rmSync(own, { recursive: true });
        }
      },
    },
    {
      name: 'idle, an engine running',
      contestants: ['ours', 'plain Node'],
      figures: { wakeUps: { unit: 'wake-ups/s', better: 'less' } },
      async measure(contestant) {
        if (process.platform !== 'linux') return {};
        const client = await clients[contestant]();
        await client.call('echo', {});
        // What the start left behind: garbage, code to compile.
        await wait(1000);
        const before = wakeUps();
        await wait(IDLE_SECONDS * 1000);
        // One of them is the end of this wait.
        const during = wakeUps() - before - 1;
        await client.stop();
        return { wakeUps: during / IDLE_SECONDS };
      },
    },
  ],
};
