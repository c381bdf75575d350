/** The same numbers from 0 up to 1 for the same seed (a linear congruential generator). */
export function numbersOf(seed) {
  // Neighbouring seeds would begin with nearly the same number.
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
