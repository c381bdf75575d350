// The text of the image that is selected.

const byId = (id) => document.getElementById(id);

const WORDS = {
  waiting: 'This image waits for its turn.',
  reading: 'This image is being read.',
  cancelled: 'Cancelled. "Again" reads it.',
};

/** @param {object | null} item none: the pane is emptied */
export function showText(item) {
  const done = item !== null && item.state === 'done';
  byId('text-title').textContent = item ? item.name : 'Text';
  byId('text-note').textContent = done ? `${Math.round(item.confidence)} % sure` : noteOf(item);
  byId('text').textContent = done ? item.text || '(no text found)' : '';
  byId('copy').hidden = !done || item.text === '';
  byId('copy').dataset.id = item ? item.id : '';
}

function noteOf(item) {
  if (!item) return 'Choose an image on the list.';
  return item.state === 'failed' ? item.error : WORDS[item.state];
}
