/**
 * One row of the list, and the reason beneath it when a mark failed.
 */

import { failureText } from '../derive.js';
import { h, setAttribute, setText } from '../dom.js';
import { icon, typeIcon } from '../icons.js';
import { shown } from '../marks.js';
import { cut, typeName } from '../rows.js';
import { fullDate, parse, rowTime } from '../time.js';

/** @typedef {import('../../../types/backend').Row} Row */
/** @typedef {import('../../../types/backend').Problem} Problem */
/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Actions} Actions */
/** @typedef {import('../../../types/state').Format} Format */

/** More than two lines of the widest list can hold. */
const MOST = 300;

/**
 * @param {Row} first
 * @param {Actions} actions
 * @param {Format} format
 */
export function createRow(first, actions, format) {
  const { id } = first;
  const state = h('span', { class: 'spoken' });
  const type = h('span', { class: 'type' });
  const title = h('span', { class: 'row-title', dir: 'auto' });
  const time = h('time', { class: 'row-time' });
  const preview = h('span', { class: 'row-preview', dir: 'auto' });
  const button = h(
    'button',
    { type: 'button', class: 'row', tabindex: '-1', 'data-testid': 'row', 'data-id': id, onclick: () => void actions.openMessage(id) },
    h('span', { class: 'dot', 'aria-hidden': 'true' }),
    type,
    state,
    h('span', { class: 'row-words' }, h('span', { class: 'row-head' }, title, time), preview),
  );
  const element = h('li', { class: 'row-item', 'data-id': id }, button);
  /** @type {ReturnType<typeof createFailure> | null} */
  let failure = null;
  let event = '';
  let drawn = '';

  return {
    element,
    button,
    /**
     * @param {Row} row
     * @param {State} whole
     */
    draw(row, { marks, now, open }) {
      const { read, failure: failed } = shown(row, marks);
      const ms = parse(row.date);
      const shownTime = rowTime(ms, now, format);
      const current = open?.id === id;
      // Most rows are as they were: a long list is drawn again with each change of any of them.
      const key = JSON.stringify([row, read, failed, shownTime, current]);
      if (key === drawn) return;
      drawn = key;
      if (row.event !== event || !type.firstChild) {
        event = row.event;
        type.replaceChildren(typeIcon(event));
      }
      setAttribute(button, 'data-unread', String(!read));
      setAttribute(button, 'data-event', row.event);
      setAttribute(button, 'aria-current', current && 'true');
      setText(state, `${read ? '' : 'Unread '}${typeName(row.event)}: `);
      setText(title, cut(row.title, MOST) || typeName(row.event));
      setText(preview, cut(row.preview, MOST));
      setText(time, shownTime);
      setAttribute(time, 'datetime', row.date);
      setAttribute(time, 'title', fullDate(ms, format));
      if (failed) {
        failure ??= createFailure(id, actions);
        failure.draw(failed);
        if (!failure.element.isConnected) element.append(failure.element);
      } else {
        failure?.element.remove();
      }
    },
  };
}

/**
 * Why a mark failed, with the way to try again.
 * @param {string} id
 * @param {Actions} actions
 */
export function createFailure(id, actions) {
  const words = h('p', {});
  let wanted = true;
  const element = h(
    'div',
    { class: 'row-problem', role: 'status', 'data-testid': 'row-problem', 'data-id': id },
    icon('warning', 16),
    words,
    h('button', {
      type: 'button', class: 'button small', 'data-testid': 'retry', 'data-id': id, onclick: () => void actions.mark(id, wanted), text: 'Retry',
    }),
  );
  return {
    element,
    /** @param {{ read: boolean, problem: Problem }} failed */
    draw(failed) {
      wanted = failed.read;
      setAttribute(element, 'data-code', failed.problem.code);
      setText(words, failureText(failed));
      setAttribute(words, 'title', failed.problem.hint || null);
    },
  };
}
