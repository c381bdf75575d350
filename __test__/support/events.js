/** The next event of that name that `accepts` takes: its first argument. Rejects past the deadline. */
export function next(emitter, name, accepts = () => true, deadlineMs = 20_000) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      emitter.removeListener(name, listener);
      reject(new Error(`no '${String(name)}' event within ${deadlineMs} ms`));
    }, deadlineMs);
    function listener(event) {
      if (!accepts(event)) return;
      clearTimeout(timer);
      emitter.removeListener(name, listener);
      resolve(event);
    }
    emitter.on(name, listener);
  });
}

/** Every event of that name from now on, in a list that grows. */
export function collect(emitter, name) {
  const events = [];
  emitter.on(name, (event) => events.push(event));
  return events;
}
