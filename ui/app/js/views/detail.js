/**
 * One message, whole.
 */

import { bodyText, showBody } from '../body.js';
import { copyText } from '../clipboard.js';
import { sentence } from '../derive.js';
import { h, setAttribute, setHidden, setText } from '../dom.js';
import { glyph, icon, typeIcon } from '../icons.js';
import { shown } from '../marks.js';
import { typeName } from '../rows.js';
import { fullDate, parse } from '../time.js';
import { createCallToAction } from './call-to-action.js';
import { createPicture } from './picture.js';
import { createFailure } from './row.js';

/** @typedef {import('../../../types/backend').Backend} Backend */
/** @typedef {import('../../../types/backend').Detail} Detail */
/** @typedef {import('../../../types/backend').Row} Row */
/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Actions} Actions */
/** @typedef {import('../../../types/state').Format} Format */

/** How long "Copied" stands in place of "Copy". */
const COPIED_MS = 2000;

/**
 * @param {Actions} actions
 * @param {Pick<Backend, 'picture'>} backend
 * @param {Format} format
 */
export function createDetail(actions, backend, format) {
  /** @type {string | null} */
  let id = null;
  /** @type {Detail | null} */
  let detail = null;
  let read = true;

  const back = h(
    'button',
    { type: 'button', class: 'bar-button back', 'data-testid': 'back', onclick: () => actions.closeMessage() },
    icon('back'),
    h('span', { text: 'Back' }),
  );
  const markWords = h('span', {});
  const markSign = h('span', { class: 'sign' });
  const mark = barButton('mark-unread', markSign, markWords, () => {
    if (id !== null) void actions.mark(id, !read);
  });
  const copyWords = h('span', { text: 'Copy' });
  const copy = barButton('copy', icon('copy'), copyWords, () => void copyMessage());
  const remove = barButton('delete', icon('trash'), h('span', { text: 'Delete' }), () => {
    if (id !== null) void actions.deleteMessage(id);
  });
  setAttribute(copy, 'title', 'Copy the text');
  setAttribute(remove, 'title', 'Delete from this device');
  const tools = h('div', { class: 'bar-tools' }, mark, copy, remove);

  const type = h('span', { class: 'type' });
  const typeWords = h('span', { 'data-testid': 'detail-type' });
  const date = h('time', { 'data-testid': 'detail-date' });
  const title = h('h2', { class: 'detail-title', dir: 'auto', tabindex: '-1', 'data-testid': 'detail-title' });
  const trouble = h('div', {});
  const restWords = h('p', {});
  const rest = h(
    'div',
    { class: 'row-problem', role: 'status', hidden: true, 'data-testid': 'detail-cut' },
    icon('warning', 16),
    restWords,
    h('button', { type: 'button', class: 'button small', 'data-testid': 'cut-retry', onclick: () => void actions.fetchRest(), text: 'Try again' }),
  );
  const picture = createPicture(actions, backend);
  const body = h('div', { class: 'detail-body', dir: 'auto', 'data-testid': 'detail-body' });
  const cta = createCallToAction(actions);
  const footer = h('div', { class: 'detail-footer', dir: 'auto', 'data-testid': 'detail-footer' });
  const expires = h('p', { class: 'detail-expires' });
  const failedText = h('p', {});
  const failed = h(
    'div',
    { class: 'list-failed', role: 'alert', hidden: true, 'data-testid': 'detail-error' },
    icon('warning'),
    h('p', { class: 'empty-title', text: 'This message could not be opened' }),
    failedText,
    h('button', {
      type: 'button', class: 'button', 'data-testid': 'detail-retry', text: 'Try again',
      onclick: () => {
        if (id !== null) void actions.openMessage(id);
      },
    }),
  );
  const content = h('div', { class: 'detail-content' }, picture.element, body, cta.element, footer, expires);
  const scroller = h(
    'div',
    { class: 'detail-scroll', tabindex: '0', role: 'group', 'aria-label': 'Message text' },
    h('div', { class: 'detail-page' }, h('p', { class: 'detail-meta' }, type, typeWords, h('span', { 'aria-hidden': 'true', text: '·' }), date), title, trouble, rest, failed, content),
  );
  const none = h('div', { class: 'empty detail-none' }, h('div', { class: 'empty-sign' }, glyph()), h('p', { class: 'empty-text', text: 'Choose a message to read it here' }));
  const article = h('article', { class: 'detail-article', hidden: true, 'data-testid': 'detail' }, h('div', { class: 'detail-bar' }, back, tools), scroller);
  const element = h('div', { class: 'detail', role: 'region', 'aria-label': 'Message' }, none, article);

  async function copyMessage() {
    if (!detail) return;
    const links = detail.buttons.filter((button) => button.target).map((button) => `${button.text}: ${button.target}`);
    const parts = [detail.title, bodyText(body), ...links].filter((part) => part !== '');
    const copied = await copyText(parts.join('\n\n'));
    setText(copyWords, copied ? 'Copied' : 'Not copied');
    actions.say(copied ? 'Copied' : 'The message could not be copied');
    setTimeout(() => setText(copyWords, 'Copy'), COPIED_MS);
  }

  /** @param {Row} row */
  function drawHead(row) {
    if (type.dataset['event'] !== row.event || !type.firstChild) {
      type.dataset['event'] = row.event;
      type.replaceChildren(typeIcon(row.event));
    }
    setText(typeWords, typeName(row.event));
    setText(date, fullDate(parse(row.date), format));
    setAttribute(date, 'datetime', row.date);
    setText(title, row.title || typeName(row.event));
  }

  /** @param {Detail} next */
  function drawContent(next) {
    const before = detail;
    if (before && sameContent(before, next)) return;
    const same = before?.id === next.id;
    showBody(body, next.body_html, next.preview);
    showBody(footer, next.footer_html);
    setHidden(footer, next.footer_html === '');
    cta.show(next.id, next.buttons);
    const leaves = fullDate(parse(next.expires), format);
    setText(expires, leaves ? `Leaves the list on ${leaves}` : '');
    if (!same || before.image !== next.image) picture.show(next);
  }

  /** @param {State} state @param {Row | undefined} row */
  function drawMark(state, row) {
    const base = row ?? detail;
    if (!base) return;
    const told = shown(base, state.marks);
    read = told.read;
    setText(markWords, read ? 'Mark unread' : 'Mark read');
    setAttribute(mark, 'title', read ? 'Mark as unread on this device' : 'Mark as read');
    setAttribute(mark, 'data-testid', read ? 'mark-unread' : 'mark-read');
    if (markSign.dataset['read'] !== String(read)) {
      markSign.dataset['read'] = String(read);
      markSign.replaceChildren(icon(read ? 'unread' : 'read'));
    }
    if (!told.failure) trouble.replaceChildren();
    else {
      const failure = createFailure(base.id, actions);
      failure.draw(told.failure);
      // The list tells it under the same names: here it is the second of two.
      failure.element.dataset['testid'] = 'detail-problem';
      if (trouble.textContent !== failure.element.textContent) trouble.replaceChildren(failure.element);
    }
  }

  return {
    element,
    focus: () => title.focus(),
    /** @param {State} state */
    draw(state) {
      const { open, list } = state;
      setHidden(none, open !== null);
      // What slides away keeps its content; the frame hides the whole.
      setAttribute(element, 'data-open', open !== null && 'true');
      if (!open) {
        id = null;
        return;
      }
      setHidden(article, false);
      setAttribute(article, 'data-id', open.id);
      const row = list.rows.find((each) => each.id === open.id);
      if (open.id !== id) {
        id = open.id;
        detail = null;
        scroller.scrollTop = 0;
        setText(copyWords, 'Copy');
      }
      const head = open.detail ?? row;
      if (head) drawHead(head);
      setAttribute(article, 'aria-busy', !open.detail && !open.problem && 'true');
      setHidden(content, open.detail === null);
      setHidden(tools, open.detail === null);
      setHidden(failed, open.problem === null);
      const cut = open.detail?.cut ?? null;
      if (cut) {
        setText(restWords, `The rest of this message could not be loaded: ${cut.message}`);
        setAttribute(restWords, 'title', cut.hint || null);
        setAttribute(rest, 'data-code', cut.code);
      }
      setHidden(rest, cut === null);
      if (open.problem) setText(failedText, sentence(open.problem));
      if (!head) setText(title, open.problem ? 'Message' : '');
      if (open.detail) {
        drawContent(open.detail);
        detail = open.detail;
      }
      drawMark(state, row);
    },
  };

  /**
   * @param {string} testid
   * @param {Element} sign
   * @param {HTMLElement} words
   * @param {() => void} then
   */
  function barButton(testid, sign, words, then) {
    return h('button', { type: 'button', class: 'bar-button', 'data-testid': testid, onclick: then }, sign, words);
  }
}

/** @param {Detail} a @param {Detail} b */
function sameContent(a, b) {
  const content = (/** @type {Detail} */ of) => JSON.stringify({ ...of, read: false, problem: null, cut: null });
  return content(a) === content(b);
}
