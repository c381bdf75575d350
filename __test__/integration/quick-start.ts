// An app of version 1 as its README began it: these calls and options, and no other, stay good.
import { EngineClient, JobManager } from '@niche-knack/desktop-runtime';

const engine = new EngineClient({
  enginePath: process.env.ENGINE_PATH!,
  autoRestart: true,
});

await engine.start();

const jobManager = new JobManager(engine, {
  concurrency: 2,
  retryOnFailure: true,
});

const result = await jobManager.submit('ocr', {
  imagePath: process.env.IMAGE_PATH,
});

console.log(result);
