import { fileURLToPath } from 'url';

const suffix = process.platform === 'win32' ? '.exe' : '';

/** The engine that all clients speak to; `npm run bench` builds it. */
export const ENGINE = fileURLToPath(new URL(`../target/benchmark/release/benchmark-engine${suffix}`, import.meta.url));
