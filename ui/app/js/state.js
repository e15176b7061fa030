/**
 * The one place that holds what the page knows. Views read it and draw; only actions and the core's events change it.
 * It must never hold the session id.
 */

import { NO_SEARCH } from './search.js';

/** @typedef {import('../../types/state').State} State */
/** @typedef {import('../../types/state').Store} Store */

/**
 * @param {number} now
 * @returns {State}
 */
export function firstState(now) {
  return {
    screen: 'starting',
    fatal: null,
    view: null,
    now,
    connectingSince: null,
    list: { tab: 'all', rows: [], next: null, loading: true, loadingMore: false, problem: null },
    marks: new Map(),
    kept: new Set(),
    search: NO_SEARCH,
    open: null,
    page: null,
    settings: { shown: null, problem: null, refused: new Map() },
    diagnostics: { report: null, loading: false, problem: null, exporting: false, file: null, exportProblem: null },
    leaving: false,
    signIn: { busy: false, problem: null },
    trying: false,
    flash: null,
    dismissed: new Set(),
    said: { text: '', turn: 0 },
    version: '',
  };
}

/**
 * Changes of one turn are drawn once, after it.
 * @param {State} first
 * @returns {Store}
 */
export function createStore(first) {
  let state = first;
  let waiting = false;
  /** @type {((state: State) => void)[]} */
  const readers = [];
  return {
    get: () => state,
    set(patch) {
      state = { ...state, ...patch };
      if (waiting) return;
      waiting = true;
      queueMicrotask(() => {
        waiting = false;
        for (const reader of readers) reader(state);
      });
    },
    subscribe(then) {
      readers.push(then);
    },
  };
}
