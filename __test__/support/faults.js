/** The native half of an object: the facade keeps it, or what holds it, under a symbol. */
function nativeOf(object) {
  for (const symbol of Object.getOwnPropertySymbols(object)) {
    const held = object[symbol];
    for (const native of [held, held && held.native]) {
      if (native && typeof native.fault === 'function') return native;
    }
  }
  throw new Error('no native half');
}

/** The next `times` visits of a place inside this object panic. The places are those of crates/core/src/fault.rs. */
export function fault(object, place, times = 1) {
  nativeOf(object).fault(place, times);
}

/** What a promise comes to: its value, or the code of its error. */
export const outcome = (promise) =>
  promise.then(
    (value) => value,
    (error) => error.code,
  );
