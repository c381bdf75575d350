// What the fresh app does with the package: an engine, a job, a cache on the disk. It works in today's Node and in 12.14.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');

// A bundler moves this file, and an archive holds it: so the engine's place can be told.
const ENGINE = process.env.FRESH_APP_ENGINE || path.join(__dirname, 'engine.js');

module.exports = async function work({ CacheManager, EngineClient, JobManager }) {
  const env = { ELECTRON_RUN_AS_NODE: '1' };
  const engine = new EngineClient({ enginePath: process.execPath, args: [ENGINE], env });
  await engine.start();
  const jobs = new JobManager(engine);
  const progress = [];
  jobs.on('job:progress', (job) => progress.push(job.progress));
  const { data } = await jobs.submit('double', { number: 21 });
  await engine.stop();

  const cacheDir = fs.mkdtempSync(path.join(os.tmpdir(), 'fresh-app-'));
  const cache = new CacheManager({ cacheDir });
  await cache.set('answer', data);
  await cache.close();
  const again = new CacheManager({ cacheDir });
  const { value: cached } = await again.get('answer');
  await again.close();
  fs.readdirSync(cacheDir).forEach((name) => fs.unlinkSync(path.join(cacheDir, name)));
  fs.rmdirSync(cacheDir);
  return { data, progress, cached };
};
