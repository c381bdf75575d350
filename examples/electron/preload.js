'use strict';

// All that the page has of the app. Paths never reach the page: this script takes the files that the user drops or
// chooses, and gives where they lie to the main process. A page cannot make up a file that has a path.

const { contextBridge, ipcRenderer, webUtils } = require('electron');

// From Electron 29 on; since 32 files have no `path` of their own.
const pathOf = (file) => (webUtils ? webUtils.getPathForFile(file) : file.path);

function add(files) {
  const paths = Array.from(files, pathOf).filter((path) => path);
  if (paths.length > 0) ipcRenderer.invoke('images:add', paths);
}

window.addEventListener('dragover', (event) => event.preventDefault());
window.addEventListener('drop', (event) => {
  event.preventDefault();
  if (event.dataTransfer) add(event.dataTransfer.files);
});
window.addEventListener('change', (event) => {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || !input.files) return;
  add(input.files);
  // Else choosing the same file again would be no change.
  input.value = '';
});

contextBridge.exposeInMainWorld('reader', {
  state: () => ipcRenderer.invoke('state'),
  cancel: (id) => ipcRenderer.invoke('image:cancel', id),
  again: (id) => ipcRenderer.invoke('image:again', id),
  remove: (id) => ipcRenderer.invoke('image:remove', id),
  copy: (id) => ipcRenderer.invoke('image:copy', id),
  startEngine: () => ipcRenderer.invoke('engine:start'),
  /** One listener, which gets `{ kind: 'item' | 'removed' | 'notice' | 'engine', … }`. */
  listen: (listener) => {
    ipcRenderer.removeAllListeners('event');
    ipcRenderer.on('event', (_, event) => listener(event));
  },
});
