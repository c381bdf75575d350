// The list of images: one row each, the latest on top.

import { createRow } from './row.js';

/**
 * @param {HTMLElement} element the `ul`
 * @param {{ onOpen(item: object | null): void, cancel(id: string): void, again(id: string): void, remove(id: string): void }} actions
 */
export function createList(element, actions) {
  const rows = new Map();
  let open = null;

  function select(id) {
    open = id;
    rows.forEach((row, its) => row.select(its === id));
    actions.onOpen(rows.has(id) ? rows.get(id).item : null);
  }

  element.addEventListener('keydown', (event) => {
    const row = event.target.closest('.row');
    const { id } = row.dataset;
    const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
    if (next) next.querySelector('.open').focus();
    if (event.key === 'Delete') rows.get(id).dismiss();
    if (next || event.key === 'Delete') event.preventDefault();
  });

  return {
    /** @returns {boolean} whether its state is a new one */
    show(item) {
      const known = rows.get(item.id);
      const row = known || createRow({ ...actions, select });
      const before = known ? known.item.state : null;
      rows.set(item.id, row);
      row.update(item);
      if (!known) element.prepend(row.element);
      // The first text comes by itself; after that the user chooses.
      if (item.state === 'done' && open === null) select(item.id);
      else if (open === item.id) actions.onOpen(item);
      return before !== null && before !== item.state;
    },
    remove(id) {
      const row = rows.get(id);
      if (!row) return;
      const neighbour = row.element.nextElementSibling || row.element.previousElementSibling;
      const hadFocus = row.element.contains(document.activeElement);
      row.element.remove();
      rows.delete(id);
      if (hadFocus && neighbour) neighbour.querySelector('.open').focus();
      if (open === id) select(null);
    },
  };
}
