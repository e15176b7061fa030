/**
 * What happens to the list: tabs, pages, reloading after a change in the core, and marks.
 * No DOM here, so that races can be tested with a backend of promises.
 */

import { problemOf } from './backend.js';
import { begin, done, failed, settle, shown, undone } from './marks.js';
import { join, keep } from './rows.js';
import { isNarrowed, NO_SEARCH, queryOf, resultsText, sameSearch } from './search.js';

/** @typedef {import('../../types/backend').Backend} Backend */
/** @typedef {import('../../types/backend').Row} Row */
/** @typedef {import('../../types/backend').Tab} Tab */
/** @typedef {import('../../types/state').Search} Search */
/** @typedef {import('../../types/state').Store} Store */

/** Rows of a first and a next page. */
const PAGE = 50;
/** The most the core gives at once. */
const MOST = 200;

/**
 * @param {Store} store
 * @param {Backend} backend
 * @param {{ now: () => number, say: (text: string) => void }} outside
 */
export function listActions(store, backend, { now: present, say }) {
  /** Rises when what is loading no longer belongs on the screen. */
  let generation = 0;
  /** The generation that is being read. */
  /** @type {number | null} */
  let reading = null;
  let readAgain = false;
  let turn = 0;

  /** @param {Partial<import('../../types/state').List>} patch */
  const setList = (patch) => store.set({ list: { ...store.get().list, ...patch } });

  /** @param {Tab} tab */
  function showTab(tab) {
    if (tab === store.get().list.tab) return;
    clear(tab);
    void reload();
  }

  /**
   * What is shown stays until the results are there: a list that goes blank with each letter cannot be followed.
   * @param {Partial<Search>} patch
   */
  function search(patch) {
    const { search: before } = store.get();
    const next = { ...before, ...patch };
    store.set({ search: next });
    if (sameSearch(before, next)) return;
    generation += 1;
    store.set({ kept: new Set() });
    setList({ next: null, loading: true, loadingMore: false, problem: null });
    if (!isNarrowed(next)) say('All messages are shown');
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

  /** Nothing of one account is left for the next. */
  function leave() {
    store.set({ search: NO_SEARCH });
    clear('all');
  }

  /**
   * Reads again as many rows as are shown. Calls while one runs become a single one after it; what is no longer wanted
   * is not waited for.
   * @returns {Promise<void>}
   */
  async function reload() {
    const mine = generation;
    if (reading === mine) {
      readAgain = true;
      return;
    }
    reading = mine;
    do {
      readAgain = false;
      await reloadOnce();
    } while (readAgain && mine === generation);
    if (reading === mine) reading = null;
  }

  async function reloadOnce() {
    const mine = generation;
    const { list: { tab, rows: shownRows, loading }, search: sought, marks: before } = store.get();
    const query = queryOf(tab, sought, present());
    // Of what is shown while others load, nothing may be left.
    const wanted = loading ? PAGE : Math.max(shownRows.length, PAGE);
    /** @type {Row[]} */
    let rows = [];
    /** @type {string | null} */
    let next = null;
    try {
      do {
        const page = await backend.page(query, next, Math.min(MOST, wanted - rows.length));
        if (mine !== generation) return;
        rows = join(rows, page.rows);
        next = page.rows.length > 0 ? page.next : null;
      } while (next !== null && rows.length < wanted);
    } catch (error) {
      // Rows of another search would pass for its results.
      if (mine === generation) setList({ loading: false, problem: problemOf(error), ...(loading ? { rows: [] } : {}) });
      return;
    }
    const { list, kept, marks } = store.get();
    store.set({
      marks: settle(marks, before, rows),
      list: { ...list, rows: tab === 'unread' ? keep(rows, list.rows, kept) : rows, next, loading: false, problem: null },
    });
    if (loading && isNarrowed(sought)) say(resultsText(rows.length, next !== null));
  }

  /** The next page, when the end of the list comes near. */
  async function more() {
    const { list } = store.get();
    if (list.next === null || list.loadingMore || reading === generation) return;
    const mine = generation;
    setList({ loadingMore: true });
    try {
      const page = await backend.page(queryOf(list.tab, store.get().search, present()), list.next, PAGE);
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

  return { showTab, search, leave, reload, more, mark, markAllRead, removed };
}
