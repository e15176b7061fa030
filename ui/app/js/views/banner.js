/**
 * What stands between header and list: no connection and what to do, something that failed, and notices that can be
 * closed. Each region exists from the start, so that a screen reader hears what comes into it.
 */

import { bannerOf, noticeKey, noticesOf } from '../derive.js';
import { h, place, setAttribute, setHidden, setText } from '../dom.js';
import { icon } from '../icons.js';

/** @typedef {import('../../../types/backend').Problem} Problem */
/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Actions} Actions */
/** @typedef {import('../../../types/state').Format} Format */

/**
 * @param {Actions} actions
 * @param {Format} format
 */
export function createBanner(actions, format) {
  const title = h('p', { class: 'strip-title' });
  const text = h('p', { class: 'strip-text' });
  const tryNow = h('button', { type: 'button', class: 'button small', 'data-testid': 'try-now', onclick: () => void actions.refresh() });
  const banner = h(
    'div',
    { class: 'strip', hidden: true, 'data-testid': 'banner' },
    icon('offline'),
    h('div', { class: 'strip-words' }, title, text),
    tryNow,
  );
  return {
    element: h('div', { role: 'status', 'aria-live': 'polite' }, banner),
    /** @param {State} state */
    draw({ view, now, connectingSince, trying }) {
      const shown = view && bannerOf(view, connectingSince, now, format);
      if (shown) {
        setAttribute(banner, 'data-state', shown.kind);
        setText(title, shown.title);
        setText(text, shown.text);
        setText(tryNow, trying ? 'Trying…' : 'Try now');
        setAttribute(tryNow, 'aria-disabled', trying && 'true');
      }
      setHidden(banner, !shown);
    },
  };
}

/** @param {Actions} actions */
export function createFlash(actions) {
  const title = h('p', { class: 'strip-title' });
  const text = h('p', { class: 'strip-text' });
  /** @type {(() => void) | null} */
  let again = null;
  const retry = h('button', { type: 'button', class: 'button small', 'data-testid': 'flash-retry', onclick: () => again?.(), text: 'Retry' });
  const strip = h(
    'div',
    { class: 'strip', 'data-state': 'failed', hidden: true, 'data-testid': 'flash' },
    icon('warning'),
    h('div', { class: 'strip-words' }, title, text),
    retry,
    closeButton('Close', actions.closeFlash),
  );
  return {
    element: h('div', { role: 'status', 'aria-live': 'polite' }, strip),
    /** @param {State} state */
    draw({ flash }) {
      if (flash) {
        setText(title, flash.title);
        setText(text, [flash.problem.message, flash.problem.hint].filter(Boolean).join(' '));
        again = flash.retry;
        setHidden(retry, again === null);
      }
      setHidden(strip, flash === null);
    },
  };
}

/** @param {Actions} actions */
export function createNotices(actions) {
  const element = h('div', { role: 'status', 'aria-live': 'polite', class: 'notices' });
  /** @type {Map<string, HTMLElement>} */
  const made = new Map();

  /** @param {Problem} problem */
  function notice(problem) {
    return h(
      'div',
      { class: 'strip', 'data-state': 'notice', 'data-testid': 'notice', 'data-code': problem.code },
      icon('info'),
      h(
        'div',
        { class: 'strip-words' },
        h('p', { class: 'strip-title', text: problem.message }),
        problem.hint ? h('p', { class: 'strip-text', text: problem.hint }) : null,
      ),
      closeButton('Dismiss', () => actions.dismissNotice(problem)),
    );
  }

  return {
    element,
    /** @param {State} state */
    draw({ view, dismissed }) {
      const shown = noticesOf(view?.notices ?? [], dismissed);
      place(element, shown.map((problem) => {
        const key = noticeKey(problem);
        const known = made.get(key) ?? notice(problem);
        made.set(key, known);
        return known;
      }));
    },
  };
}

/** @param {string} label @param {() => void} then */
function closeButton(label, then) {
  return h(
    'button',
    { type: 'button', class: 'icon-button small', 'aria-label': label, title: label, 'data-testid': 'dismiss', onclick: then },
    icon('close', 16),
  );
}
