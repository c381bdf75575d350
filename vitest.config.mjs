import { defineConfig } from 'vitest/config';

/** Asks for the long form of the tests that have one: so many times the work. */
const ROUNDS = Number(process.env.ROUNDS) || 1;

export default defineConfig({
  test: {
    include: ['__test__/**/*.test.{js,ts}'],
    pool: 'forks',
    // The tests start processes of their own: more files at once would only make them wait for each other.
    maxWorkers: 2,
    testTimeout: 30_000 * ROUNDS,
    hookTimeout: 30_000,
  },
});
