/**
 * The list: rows by day, paged as it is scrolled, walked with the arrow keys. Rows already on the screen are never built
 * anew and never move under the pointer when others arrive above them.
 */

import { emptyOf, sentence } from '../derive.js';
import { h, newId, place, setAttribute, setHidden, setText } from '../dom.js';
import { glyph, icon } from '../icons.js';
import { groupByDay } from '../rows.js';
import { isNarrowed, nothingFound } from '../search.js';
import { createRow } from './row.js';
import { PANEL_ID } from './tabs.js';

/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Actions} Actions */
/** @typedef {import('../../../types/state').Format} Format */

/** A list that comes sooner shows no skeleton: it would only flicker. */
const SKELETON_AFTER_MS = 150;

/**
 * @param {Actions} actions
 * @param {Format} format
 * @param {{ scrolled: () => void, clearSearch: () => void }} then
 */
export function createList(actions, format, then) {
  const days = h('div', { class: 'days' });
  const skeleton = createSkeleton();
  const empty = createEmpty(then.clearSearch);
  const failed = createFailed(actions);
  const end = h('div', { class: 'list-end', 'aria-hidden': 'true' });
  const element = h(
    'div',
    { id: PANEL_ID, role: 'tabpanel', class: 'list', 'data-testid': 'list' },
    skeleton.element,
    empty.element,
    days,
    failed.element,
    end,
  );
  /** @type {Map<string, ReturnType<typeof createRow>>} */
  const rows = new Map();
  /** @type {Map<string, { element: HTMLElement, heading: HTMLElement, list: HTMLElement }>} */
  const groups = new Map();
  /** @type {string[]} */
  let order = [];
  /** The one row the Tab key stops at. */
  /** @type {string | null} */
  let current = null;
  let tab = 'all';
  /** @type {State['search'] | null} */
  let search = null;

  const near = new IntersectionObserver((seen) => {
    if (seen.some((entry) => entry.isIntersecting)) void actions.more();
  }, { root: element, rootMargin: '600px' });
  /** What the days were drawn from. */
  /** @type {Pick<State, 'marks' | 'now' | 'open'> & { rows: State['list']['rows'] } | null} */
  let drawn = null;

  element.addEventListener('keydown', (event) => {
    if (!(event.target instanceof HTMLElement) || !event.target.matches('.row, .list')) return;
    const at = event.target === element ? -1 : order.indexOf(event.target.dataset['id'] ?? '');
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: order.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    focusAt(to);
  });
  element.addEventListener('scroll', then.scrolled, { passive: true });
  days.addEventListener('focusin', (event) => {
    const row = event.target instanceof HTMLElement ? event.target.closest('.row-item') : null;
    if (row instanceof HTMLElement) setCurrent(row.dataset['id'] ?? null);
  });

  /** @param {number} at */
  function focusAt(at) {
    const id = order[Math.max(0, Math.min(at, order.length - 1))];
    if (id === undefined) return;
    setCurrent(id);
    rows.get(id)?.button.focus();
  }

  /** @param {string | null} id */
  function setCurrent(id) {
    if (id === current) return;
    rows.get(current ?? '')?.button.setAttribute('tabindex', '-1');
    current = id;
    rows.get(current ?? '')?.button.setAttribute('tabindex', '0');
  }

  /** The row at the top edge, to be held there while others come in above it. */
  function anchor() {
    if (element.scrollTop <= 0) return null;
    const box = element.getBoundingClientRect();
    const under = document.elementsFromPoint(box.left + box.width / 2, box.top + 48);
    const row = under.map((found) => found.closest('.row-item')).find((found) => found instanceof HTMLElement && days.contains(found));
    return row ? { row, top: row.getBoundingClientRect().top } : null;
  }

  /** @param {State} state */
  function drawDays(state) {
    const wanted = groupByDay(state.list.rows, state.now, format);
    const focused = document.activeElement instanceof HTMLElement ? order.indexOf(document.activeElement.dataset['id'] ?? '') : -1;
    const hadFocus = focused >= 0 && days.contains(document.activeElement);
    const held = anchor();
    order = wanted.flatMap((group) => group.rows.map((row) => row.id));
    const listed = new Set(order);
    for (const id of rows.keys()) if (!listed.has(id)) rows.delete(id);
    const keys = new Set(wanted.map((group) => group.key));
    for (const key of groups.keys()) if (!keys.has(key)) groups.delete(key);

    place(days, wanted.map(({ key, heading, rows: ofDay }) => {
      const group = groups.get(key) ?? createDay();
      groups.set(key, group);
      setText(group.heading, heading);
      place(group.list, ofDay.map((row) => {
        const made = rows.get(row.id) ?? createRow(row, actions, format);
        rows.set(row.id, made);
        made.draw(row, state);
        return made.element;
      }));
      return group.element;
    }));

    if (held?.row.isConnected) element.scrollTop += held.row.getBoundingClientRect().top - held.top;
    const stop = current !== null && listed.has(current) ? current : (order[0] ?? null);
    current = null;
    setCurrent(stop);
    if (hadFocus && !days.contains(document.activeElement)) focusAt(focused);
  }

  return {
    element,
    /** Others that arrive would be seen: `anchor` holds nothing. */
    atTop: () => element.scrollTop <= 0,
    focusFirst: () => focusAt(0),
    /** To the row of this message, or where the Tab key would stop. @param {string | null} id */
    focusRow(id) {
      if (id !== null && rows.has(id)) setCurrent(id);
      (rows.get(current ?? '')?.button ?? element).focus();
    },
    /** @param {State} state */
    draw(state) {
      const { list, view, now } = state;
      if (list.tab !== tab || state.search !== search) {
        tab = list.tab;
        search = state.search;
        element.scrollTop = 0;
      }
      setAttribute(element, 'aria-labelledby', `tab-${list.tab}`);
      setAttribute(element, 'aria-busy', list.loading && 'true');
      const none = list.rows.length === 0;
      // With no row to stop at, the keyboard still has to reach and scroll it.
      setAttribute(element, 'tabindex', none ? '0' : '-1');
      const of = { rows: list.rows, marks: state.marks, now, open: state.open };
      if (!drawn || drawn.rows !== of.rows || drawn.marks !== of.marks || drawn.now !== of.now || drawn.open?.id !== of.open?.id) {
        drawDays(state);
        if (drawn?.rows !== of.rows) {
          // It tells of changes alone: a page that left the end in sight has to be followed by the next.
          near.unobserve(end);
          near.observe(end);
        }
        drawn = of;
      }
      skeleton.draw(list.loading && none);
      failed.draw(list.problem);
      const isEmpty = none && !list.loading && !list.problem && view !== null;
      if (isEmpty) {
        const narrowed = isNarrowed(state.search);
        empty.draw(narrowed ? nothingFound(state.search) : emptyOf(list.tab, view, now, format), narrowed);
      }
      setHidden(empty.element, !isEmpty);
      setAttribute(end, 'class', list.loadingMore ? 'list-end loading' : 'list-end');
    },
  };
}

function createDay() {
  const id = newId('day');
  const heading = h('h2', { id, class: 'day-heading' });
  const list = h('ul', { class: 'day-rows', role: 'list' });
  return { element: h('section', { class: 'day', 'aria-labelledby': id }, heading, list), heading, list };
}

function createSkeleton() {
  const row = () =>
    h('div', { class: 'bone-row' }, h('span', { class: 'bone round' }), h('span', { class: 'bone-lines' }, h('span', { class: 'bone' }), h('span', { class: 'bone long' })));
  const element = h(
    'div',
    { class: 'skeleton', role: 'status', hidden: true, 'data-testid': 'skeleton' },
    h('span', { class: 'spoken', text: 'Loading messages' }),
    ...Array.from({ length: 7 }, row),
  );
  /** @type {ReturnType<typeof setTimeout> | null} */
  let timer = null;
  return {
    element,
    /** @param {boolean} loading */
    draw(loading) {
      if (!loading) {
        if (timer !== null) clearTimeout(timer);
        timer = null;
        element.hidden = true;
      } else if (timer === null) {
        timer = setTimeout(() => {
          element.hidden = false;
        }, SKELETON_AFTER_MS);
      }
    },
  };
}

/** @param {() => void} clearSearch */
function createEmpty(clearSearch) {
  const title = h('p', { class: 'empty-title' });
  const text = h('p', { class: 'empty-text' });
  const sign = h('div', { class: 'empty-sign' });
  const clear = h('button', { type: 'button', class: 'button', 'data-testid': 'empty-clear', onclick: clearSearch, text: 'Clear search' });
  return {
    element: h('div', { class: 'empty', hidden: true, 'data-testid': 'empty' }, sign, title, text, clear),
    /** @param {{ title: string, text: string }} words @param {boolean} narrowed by a search */
    draw(words, narrowed) {
      setText(title, words.title);
      setText(text, words.text);
      setHidden(clear, !narrowed);
      if (sign.dataset['of'] === String(narrowed)) return;
      sign.dataset['of'] = String(narrowed);
      sign.replaceChildren(narrowed ? icon('search') : glyph());
    },
  };
}

/** @param {Actions} actions */
function createFailed(actions) {
  const text = h('p', {});
  const element = h(
    'div',
    { class: 'list-failed', role: 'alert', hidden: true, 'data-testid': 'list-error' },
    icon('warning'),
    h('p', { class: 'empty-title', text: 'The messages could not be read' }),
    text,
    h('button', { type: 'button', class: 'button', 'data-testid': 'list-retry', onclick: () => void actions.reload(), text: 'Try again' }),
  );
  return {
    element,
    /** @param {import('../../../types/backend').Problem | null} problem */
    draw(problem) {
      if (problem) {
        setText(text, sentence(problem));
        setAttribute(element, 'data-code', problem.code);
      }
      setHidden(element, problem === null);
    },
  };
}
