/** An engine of three methods: `answer` answers calls, `emit` gives an event to the handlers of its job. */
export function double(answer = () => ({ jobId: 'e' })) {
  const handlers = new Map();
  return {
    calls: [],
    ready: true,
    call(method, params) {
      this.calls.push([method, params]);
      return answer(method, params);
    },
    isReady() {
      return this.ready;
    },
    onJobEvent(jobId, handler) {
      handlers.set(jobId, handler);
      return () => handlers.delete(jobId);
    },
    watched: () => [...handlers.keys()],
    emit: (type, jobId, data) => handlers.has(jobId) && handlers.get(jobId)({ type, jobId, timestamp: 1, data }),
  };
}

/** Lets the answers of a double come. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));
