// One row: an image, how its job gets on, and what can be done about it.

const ENDED = new Set(['done', 'failed', 'cancelled']);

/** What a row says about its image. */
function statusOf({ state, percent, recovered, cached, confidence, duration, error }) {
  const origin = recovered && !ENDED.has(state) ? ' · from the last time' : '';
  switch (state) {
    case 'waiting':
      return `Waiting${origin}`;
    case 'reading':
      return `Reading, ${Math.round(percent)} %${origin}`;
    case 'done':
      return cached
        ? `Read before, found in ${duration} ms`
        : `Read${recovered ? ' after all' : ''} in ${seconds(duration)} · ${Math.round(confidence)} % sure`;
    case 'failed':
      return error;
    default:
      return 'Cancelled';
  }
}

function seconds(milliseconds) {
  return `${((milliseconds || 0) / 1000).toFixed(1)} s`;
}

/** @param {{ select(id: string): void, cancel(id: string): void, again(id: string): void, remove(id: string): void }} actions */
export function createRow({ select, cancel, again, remove }) {
  const element = document.getElementById('row').content.firstElementChild.cloneNode(true);
  const part = (name) => element.querySelector(name);
  const row = {
    element,
    item: null,
    update(item) {
      if (!row.item) draw(item);
      row.item = item;
      const ended = ENDED.has(item.state);
      element.dataset.state = item.state;
      part('.status').textContent = statusOf(item);
      part('progress').hidden = ended;
      part('progress').value = item.percent;
      part('.cancel').hidden = ended;
      part('.again').hidden = item.state !== 'failed' && item.state !== 'cancelled';
      part('.remove').hidden = !ended;
    },
    select(selected) {
      part('.open').setAttribute('aria-pressed', String(selected));
    },
    /** Ends what is under way, takes off the list what is not. */
    dismiss() {
      if (ENDED.has(row.item.state)) remove(row.item.id);
      else cancel(row.item.id);
    },
  };

  function draw({ id, name }) {
    element.dataset.id = id;
    part('.name').textContent = name;
    part('.name').title = name;
    part('progress').setAttribute('aria-label', `Progress of ${name}`);
    part('img').src = `images/${id}`;
    // TIFF, which no browser draws: the frame stays empty.
    part('img').addEventListener('error', () => part('img').remove());
    part('.open').addEventListener('click', () => select(id));
    const buttons = { '.cancel': cancel, '.again': again, '.remove': remove };
    for (const [selector, action] of Object.entries(buttons)) {
      part(selector).setAttribute('aria-label', `${part(selector).textContent}: ${name}`);
      part(selector).addEventListener('click', () => action(id));
    }
  }

  return row;
}
