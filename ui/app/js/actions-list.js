/**
 * What happens to the list: tabs, pages, reloading after a change in the core, and marks.
 * No DOM here, so that races can be tested with a backend of promises.
 */

import { problemOf } from './backend.js';
import { begin, done, failed, settle, shown, undone } from './marks.js';
import { join, keep } from './rows.js';

/** @typedef {import('../../types/backend').Backend} Backend */
/** @typedef {import('../../types/backend').Row} Row */
/** @typedef {import('../../types/backend').Tab} Tab */
/** @typedef {import('../../types/state').Store} Store */

/** Rows of a first and a next page. */
const PAGE = 50;
/** The most the core gives at once. */
const MOST = 200;

/**
 * @param {Store} store
 * @param {Backend} backend
 */
export function listActions(store, backend) {
  /** Rises when what is loading no longer belongs on the screen. */
  let generation = 0;
  let reloading = false;
  let reloadAgain = false;
  let turn = 0;

  /** @param {Partial<import('../../types/state').List>} patch */
  const setList = (patch) => store.set({ list: { ...store.get().list, ...patch } });

  /** @param {Tab} tab */
  function showTab(tab) {
    if (tab === store.get().list.tab) return;
    clear(tab);
    void reload();
  }

  /** @param {Tab} tab */
  function clear(tab) {
    generation += 1;
    store.set({
      kept: new Set(),
      list: { tab, rows: [], next: null, loading: true, loadingMore: false, problem: null },
    });
  }

  /**
   * Reads again as many rows as are shown. Calls while one runs become a single one after it.
   * @returns {Promise<void>}
   */
  async function reload() {
    if (reloading) {
      reloadAgain = true;
      return;
    }
    reloading = true;
    do {
      reloadAgain = false;
      await reloadOnce();
    } while (reloadAgain);
    reloading = false;
  }

  async function reloadOnce() {
    const mine = generation;
    const { list: { tab, rows: shownRows }, marks: before } = store.get();
    const wanted = Math.max(shownRows.length, PAGE);
    /** @type {Row[]} */
    let rows = [];
    /** @type {string | null} */
    let next = null;
    try {
      do {
        const page = await backend.page(tab, next, Math.min(MOST, wanted - rows.length));
        if (mine !== generation) {
          reloadAgain = true;
          return;
        }
        rows = join(rows, page.rows);
        next = page.rows.length > 0 ? page.next : null;
      } while (next !== null && rows.length < wanted);
    } catch (error) {
      if (mine === generation) setList({ loading: false, problem: problemOf(error) });
      else reloadAgain = true;
      return;
    }
    const { list, kept, marks } = store.get();
    store.set({
      marks: settle(marks, before, rows),
      list: { ...list, rows: tab === 'unread' ? keep(rows, list.rows, kept) : rows, next, loading: false, problem: null },
    });
  }

  /** The next page, when the end of the list comes near. */
  async function more() {
    const { list } = store.get();
    if (list.next === null || list.loadingMore || reloading) return;
    const mine = generation;
    setList({ loadingMore: true });
    try {
      const page = await backend.page(list.tab, list.next, PAGE);
      if (mine !== generation) return;
      const now = store.get().list;
      setList({ loadingMore: false, rows: join(now.rows, page.rows), next: page.rows.length > 0 ? page.next : null });
    } catch (error) {
      if (mine === generation) setList({ loadingMore: false, problem: problemOf(error) });
    }
  }

  /**
   * Marks one message; the row shows it at once and takes it back with the reason when the core refuses.
   * @param {string} id
   * @param {boolean} read
   */
  async function mark(id, read) {
    turn += 1;
    const mine = turn;
    const { marks, kept, list } = store.get();
    store.set({
      marks: begin(marks, [id], read, mine),
      kept: read && list.tab === 'unread' ? new Set([...kept, id]) : kept,
    });
    try {
      await (read ? backend.markRead(id) : backend.markUnread(id));
    } catch (error) {
      store.set({ marks: failed(store.get().marks, [id], mine, problemOf(error)) });
      return;
    }
    const { open } = store.get();
    store.set({
      marks: done(store.get().marks, [id], mine),
      ...(open?.id === id && open.detail ? { open: { ...open, detail: { ...open.detail, read, problem: null } } } : {}),
    });
    void reload();
  }

  async function markAllRead() {
    turn += 1;
    const mine = turn;
    const { list, marks, open } = store.get();
    const ids = list.rows.filter((row) => !shown(row, marks).read).map((row) => row.id);
    if (open && !ids.includes(open.id)) ids.push(open.id);
    store.set({ marks: begin(marks, ids, true, mine), flash: null });
    try {
      await backend.markAllRead();
    } catch (error) {
      store.set({
        marks: undone(store.get().marks, ids, mine),
        flash: { title: 'Could not mark all as read', problem: problemOf(error), retry: () => void markAllRead() },
      });
      return;
    }
    const now = store.get();
    store.set({
      marks: done(now.marks, ids, mine),
      kept: new Set(),
      ...(now.open?.detail ? { open: { ...now.open, detail: { ...now.open.detail, read: true, problem: null } } } : {}),
    });
    await reload();
  }

  /** @param {string} id */
  function removed(id) {
    const { list, kept } = store.get();
    const stay = new Set(kept);
    stay.delete(id);
    store.set({ kept: stay });
    setList({ rows: list.rows.filter((row) => row.id !== id) });
  }

  return { showTab, clear, reload, more, mark, markAllRead, removed };
}
