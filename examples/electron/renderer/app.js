// The page: what the main process tells is put where it belongs, what the user does goes back.

import { createList } from './list.js';
import { showText } from './text.js';

const { reader } = window;
const byId = (id) => document.getElementById(id);

const list = createList(byId('list'), {
  onOpen: (item) => showText(item),
  cancel: (id) => reader.cancel(id),
  again: (id) => reader.again(id),
  remove: (id) => reader.remove(id),
});

const ENGINE_WORDS = {
  starting: 'Starting the engine…',
  ready: 'Engine ready',
  restarting: 'The engine ended and is started again…',
  failed: 'The engine does not run',
  stopped: 'Engine stopped',
};

function showEngine({ state, message }) {
  byId('engine').dataset.state = state;
  byId('engine-text').textContent = message ? `${ENGINE_WORDS[state]}: ${message}` : ENGINE_WORDS[state];
  byId('start-engine').hidden = state !== 'failed';
}

let noticeEnds = 0;
function showNotice(text) {
  byId('notice').textContent = text;
  clearTimeout(noticeEnds);
  noticeEnds = setTimeout(() => (byId('notice').textContent = ''), 8000);
}

function announce({ name, state }) {
  const words = { done: 'is read', failed: 'could not be read', cancelled: 'is cancelled' }[state];
  if (words) byId('announcement').textContent = `${name} ${words}`;
}

const onEvent = {
  item: ({ item }) => {
    if (list.show(item)) announce(item);
  },
  removed: ({ id }) => list.remove(id),
  engine: ({ engine }) => showEngine(engine),
  notice: ({ text }) => showNotice(text),
};

byId('start-engine').addEventListener('click', () => reader.startEngine());

byId('copy').addEventListener('click', async ({ currentTarget: button }) => {
  await reader.copy(button.dataset.id);
  button.textContent = 'Copied';
  setTimeout(() => (button.textContent = 'Copy'), 1500);
});

// preload.js takes the files. Here is only what one sees of it.
let depth = 0;
const showDragging = () => document.body.classList.toggle('dragging', depth > 0);
for (const [type, step] of Object.entries({ dragenter: 1, dragleave: -1 })) {
  window.addEventListener(type, () => {
    depth += step;
    showDragging();
  });
}
window.addEventListener('drop', () => {
  depth = 0;
  showDragging();
});

window.addEventListener('keydown', (event) => {
  if (event.key !== 'o' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  byId('choose').click();
});

// First the listener: what changes while the state is on its way is not missed.
reader.listen((event) => onEvent[event.kind](event));
reader.state().then(({ items, engine }) => {
  showEngine(engine);
  items.forEach((item) => list.show(item));
});
