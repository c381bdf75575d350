import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import runtime from '../../index.js';
import { consoleErrors } from '../support/console-errors.js';

const { StreamHandler } = runtime;
consoleErrors();

/*
 * The same scenario on a plain EventEmitter, on the subscriptions of a StreamHandler, and on its global listeners: who is
 * called while listeners come and go is what every user of an emitter knows.
 */
const SIDES = {
  'an EventEmitter': () => {
    const emitter = new EventEmitter();
    return {
      add(listener) {
        emitter.on('progress', listener);
        return () => emitter.off('progress', listener);
      },
      clear: () => emitter.removeAllListeners('progress'),
      fire: (data) => emitter.emit('progress', { data }),
      count: () => emitter.listenerCount('progress'),
    };
  },
  subscriptions: () => {
    const stream = new StreamHandler();
    return {
      add(listener) {
        const id = stream.subscribe('j', listener);
        return () => stream.unsubscribe(id);
      },
      clear: () => stream.unsubscribeAll('j'),
      fire: (data) => stream.dispatch({ type: 'progress', jobId: 'j', timestamp: 1, data }),
      count: () => stream.getSubscriptionCount('j'),
    };
  },
  'global listeners': () => {
    const stream = new StreamHandler();
    return {
      add(listener) {
        stream.on('progress', listener);
        return () => stream.off('progress', listener);
      },
      clear: () => stream.removeAllListeners('progress'),
      fire: (data) => stream.dispatch({ type: 'progress', jobId: 'j', timestamp: 1, data }),
      count: () => stream.listenerCount('progress'),
    };
  },
};

/** Each gets a side and a place for what happened. */
const SCENARIOS = {
  'one takes itself off while it runs'(side, said) {
    const off = side.add(() => {
      said('once');
      off();
    });
    side.add(() => said('stays'));
    side.fire(1);
    side.fire(2);
  },
  'one takes off the next'(side, said) {
    side.add(() => {
      said('first');
      off();
    });
    const off = side.add(() => said('second'));
    side.add(() => said('third'));
    side.fire(1);
    side.fire(2);
  },
  'one takes off the one before'(side, said) {
    const off = side.add(() => said('first'));
    side.add(() => {
      said('second');
      off();
    });
    side.add(() => said('third'));
    side.fire(1);
    side.fire(2);
  },
  'one takes off all'(side, said) {
    side.add(() => {
      said('first');
      side.clear();
    });
    side.add(() => said('second'));
    side.fire(1);
    side.fire(2);
  },
  'one adds another'(side, said) {
    let added = 0;
    side.add(() => {
      said('first');
      if (added < 2) side.add(() => said(`added ${(added += 1)}`));
    });
    side.add(() => said('second'));
    side.fire(1);
    side.fire(2);
  },
  'one takes itself off and adds itself again'(side, said) {
    let off;
    const listener = () => {
      said('again');
      off();
      off = side.add(listener);
    };
    off = side.add(listener);
    side.add(() => said('other'));
    for (const n of [1, 2, 3]) side.fire(n);
  },
  'one fires again, and the inner firing sees what came and went'(side, said) {
    let off = null;
    side.add(({ data }) => {
      said(`first ${data}`);
      if (data !== 1) return;
      off();
      side.add((event) => said(`added ${event.data}`));
      side.fire(2);
    });
    off = side.add(({ data }) => said(`removed ${data}`));
    side.add(({ data }) => said(`last ${data}`));
    side.fire(1);
    side.fire(3);
  },
  'an inner firing takes off all, also from the outer one'(side, said) {
    side.add(({ data }) => {
      said(`first ${data}`);
      if (data === 1) side.fire(2);
    });
    side.add(({ data }) => {
      said(`second ${data}`);
      if (data === 2) side.clear();
    });
    side.add(({ data }) => said(`third ${data}`));
    side.fire(1);
    side.fire(3);
  },
  'the same listener three times, one of them taken off'(side, said) {
    const listener = () => said('same');
    side.add(listener);
    side.add(listener);
    const off = side.add(listener);
    side.fire(1);
    off();
    side.fire(2);
  },
  'taken off twice'(side, said) {
    const off = side.add(() => said('one'));
    const other = () => said('other');
    side.add(other);
    off();
    off();
    side.fire(1);
  },
  'counts while they run'(side, said) {
    const off = side.add(() => {
      off();
      said(`left ${side.count()}`);
      side.add(() => said('new'));
      said(`now ${side.count()}`);
    });
    side.add(() => said(`seen ${side.count()}`));
    side.fire(1);
    side.fire(2);
  },
  'two hundred of them, each second taking off its neighbour'(side, said) {
    const offs = [];
    for (let n = 0; n < 200; n += 1) {
      offs.push(
        side.add(() => {
          said(n);
          if (n % 2 === 0) offs[n + 1]();
        }),
      );
    }
    side.fire(1);
    side.fire(2);
  },
};

function played(scenario, make) {
  const all = [];
  const side = make();
  scenario(side, (what) => all.push(what));
  return [all, side.count()];
}

describe.each(['subscriptions', 'global listeners'])(
  '%s are treated as an EventEmitter treats its listeners',
  (name) => {
    test.each(Object.keys(SCENARIOS))('%s', (scenario) => {
      const expected = played(SCENARIOS[scenario], SIDES['an EventEmitter']);
      expect(expected[0].length).toBeGreaterThan(0);
      expect(played(SCENARIOS[scenario], SIDES[name])).toEqual(expected);
    });
  },
);

describe('the StreamHandler is a whole EventEmitter', () => {
  const event = { type: 'progress', jobId: 'j', timestamp: 1, data: 1 };

  test('once, prependListener, prependOnceListener, rawListeners, eventNames', () => {
    const stream = new StreamHandler();
    const order = [];
    stream.on('progress', () => order.push('on'));
    stream.once('progress', () => order.push('once'));
    stream.prependListener('progress', () => order.push('prepended'));
    stream.prependOnceListener('progress', () => order.push('prepended once'));
    expect(stream.eventNames()).toEqual(['progress']);
    expect(stream.rawListeners('progress')).toHaveLength(4);
    stream.dispatch(event);
    stream.dispatch(event);
    expect(order).toEqual(['prepended once', 'prepended', 'on', 'once', 'prepended', 'on']);
  });

  test('`this` in a listener is the StreamHandler; every adding and removing chains', () => {
    const stream = new StreamHandler();
    const listener = function listen() {
      expect(this).toBe(stream);
    };
    for (const name of [
      'on',
      'addListener',
      'once',
      'prependListener',
      'off',
      'removeListener',
      'removeAllListeners',
    ]) {
      expect(stream[name]('progress', listener)).toBe(stream);
    }
    stream.on('event', listener).dispatch(event);
    expect.assertions(8);
  });

  test('an app’s own events pass through it', () => {
    const stream = new StreamHandler();
    const heard = [];
    const symbol = Symbol('own');
    for (const name of ['own', symbol]) stream.on(name, (...args) => heard.push(args));
    expect(stream.emit('own', 1, 2)).toBe(true);
    expect(stream.emit(symbol)).toBe(true);
    expect(stream.emit('nobody', 1)).toBe(false);
    expect(heard).toEqual([[1, 2], []]);
  });

  test('`newListener` and `removeListener` are told of the app’s listeners alone, not of subscriptions', () => {
    const stream = new StreamHandler();
    const told = [];
    stream.on('newListener', (name) => told.push(`new ${String(name)}`));
    stream.on('removeListener', (name) => told.push(`removed ${String(name)}`));
    const id = stream.subscribe('j', () => {});
    stream.unsubscribe(id);
    const listener = () => {};
    stream.on('event', listener).off('event', listener);
    expect(told).toEqual(['new removeListener', 'new event', 'removed event']);
  });
});
