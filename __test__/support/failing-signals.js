// Signals as an app makes them itself. Each has `abort(reason)`, and the error that its failing method throws.

/** Has no way to be let go of. */
export class OwnSignal {
  aborted = false;
  listeners = [];
  error = new Error('a defect of the signal');

  addEventListener(_, listener) {
    this.listeners.push(listener);
  }

  abort(reason) {
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.listeners) listener();
  }
}

/** Throws when it is let go of. */
export class ClingingSignal extends OwnSignal {
  removeEventListener() {
    throw this.error;
  }
}

/** Throws when it is listened to. */
export class DeafSignal extends OwnSignal {
  addEventListener() {
    throw this.error;
  }
}
