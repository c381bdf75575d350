import { afterAll, beforeEach, vi } from 'vitest';

/** Holds back `console.error` in all tests of a file; gives the lines of the current test, in a list that grows. */
export function consoleErrors() {
  const lines = [];
  let spy;
  beforeEach(() => {
    lines.length = 0;
    if (spy) spy.mockRestore();
    spy = vi.spyOn(console, 'error').mockImplementation((...args) => lines.push(args.join(' ')));
  });
  afterAll(() => spy.mockRestore());
  return lines;
}
