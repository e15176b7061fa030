/**
 * The window once somebody is signed in: header, what there is to say, the list, and the detail beside it or over it.
 * It owns where the focus goes when the detail comes and goes.
 */

import { isListSeen } from '../derive.js';
import { h } from '../dom.js';
import { createBanner, createFlash, createNotices } from './banner.js';
import { createDetail } from './detail.js';
import { createExpired } from './expired.js';
import { createHeader } from './header.js';
import { createList } from './list.js';
import { createSearch } from './search.js';
import { createSending } from './sending.js';
import { createTabs } from './tabs.js';

/** @typedef {import('../../../types/backend').Backend} Backend */
/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Store} Store */
/** @typedef {import('../../../types/state').Actions} Actions */
/** @typedef {import('../../../types/state').Format} Format */

/** 760 px at the system's text size; the style sheet says the same. */
const SIDE_BY_SIDE = '(min-width: 47.5em)';

/**
 * @param {Store} store
 * @param {Actions} actions
 * @param {Backend} backend
 * @param {Format} format
 * @param {ReturnType<typeof import('./pages.js').createPages>} pages
 */
export function createFrame(store, actions, backend, format, pages) {
  const wide = window.matchMedia(SIDE_BY_SIDE);
  const tabs = createTabs(actions);
  const search = createSearch(actions, () => list.focusFirst());
  const list = createList(actions, format, { scrolled: () => tellSeen(), clearSearch: search.clearAll });
  const detail = createDetail(actions, backend, format);
  const header = createHeader(actions, format);
  const strips = [createNotices(actions), createSending(actions), createFlash(actions), createBanner(actions, format), createExpired(store, actions)];
  const listPane = h('div', { class: 'list-pane' }, search.element, tabs.element, list.element);
  const panes = h('main', { class: 'panes' }, listPane, detail.element);
  const element = h(
    'div',
    { class: 'frame', 'data-testid': 'frame' },
    h('div', { class: 'top' }, header.element, h('div', { class: 'strips' }, ...strips.map((part) => part.element))),
    panes,
  );
  /** @type {string | null} */
  let open = null;

  // On the document: wherever the focus is, and also where a control that is gone has left it nowhere. A menu keeps its
  // own Escape to itself, and a dialog is asked first.
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || !element.isConnected || store.get().page !== null || document.querySelector('dialog[open]')) return;
    if (event.key === 'Escape' && store.get().open) actions.closeMessage();
    else if (asksForSearch(event)) {
      event.preventDefault();
      toSearch();
    }
  });

  function toSearch() {
    if (!wide.matches && open !== null) actions.closeMessage();
    // After the drawing, which uncovers the list.
    queueMicrotask(search.focus);
  }
  // What lies under the other pane is out of reach for the keyboard and for a screen reader.
  const cover = () => {
    const page = store.get().page !== null;
    listPane.inert = page || (!wide.matches && open !== null);
    detail.element.inert = page || (!wide.matches && open === null);
  };
  wide.addEventListener('change', () => {
    cover();
    tellSeen();
  });

  /** Tells the core whether a message would be seen as it arrives. */
  function tellSeen() {
    const state = store.get();
    actions.listShown(isListSeen(state, { covered: !wide.matches && state.open !== null, atTop: list.atTop() }));
  }

  /** @param {State} state */
  function follow(state) {
    const next = state.open?.id ?? null;
    if (next === open) return;
    const before = open;
    const inDetail = detail.element.contains(document.activeElement) || document.activeElement === document.body;
    const inList = list.element.contains(document.activeElement);
    open = next;
    cover();
    if (store.get().page !== null) return;
    if (next === null) {
      if (inDetail || !wide.matches) list.focusRow(before);
    } else if (!wide.matches || !inList) {
      detail.focus();
    }
  }

  /**
   * A control that did its work may be gone, and the focus with it: it goes to what the control was about.
   * @param {Element | null} lost what had the focus before the drawing
   * @param {{ row: string | null, inDetail: boolean }} place
   */
  function keepFocus(lost, place) {
    if (store.get().page !== null || !lost || (lost.isConnected && !lost.closest('[hidden]'))) return;
    const now = document.activeElement;
    if (now !== null && now !== document.body && now !== lost) return;
    const covered = !wide.matches && open !== null;
    if (open !== null && (place.inDetail || covered)) detail.focus();
    else list.focusRow(place.row);
  }

  /** @param {State} state */
  function drawPage(state) {
    if (pages.element.parentElement !== panes) panes.append(pages.element);
    const lost = pages.element.contains(document.activeElement) || document.activeElement === document.body;
    if (!pages.draw(state) || state.page !== null || !lost) return;
    if (state.open !== null && !wide.matches) detail.focus();
    else header.focusMenu();
  }

  return {
    element,
    focus: () => list.focusRow(null),
    tellSeen,
    /** @param {State} state */
    draw(state) {
      const focused = element.contains(document.activeElement) ? document.activeElement : null;
      const row = focused?.closest('.row-item')?.getAttribute('data-id') ?? null;
      const place = { row, inDetail: detail.element.contains(focused) };
      header.draw(state);
      for (const strip of strips) strip.draw(state);
      search.draw(state);
      tabs.draw(state);
      list.draw(state);
      detail.draw(state);
      follow(state);
      cover();
      drawPage(state);
      keepFocus(focused, place);
    },
  };
}

/**
 * `Ctrl+F`, and `/` where it is no letter of a text.
 * @param {KeyboardEvent} event
 */
function asksForSearch(event) {
  if (event.key.toLowerCase() === 'f') return (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
  const typing = event.target instanceof HTMLElement && event.target.matches('input, textarea, select');
  return event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
}
