/**
 * The picture of a message, or why it is not there: nothing is loaded that the settings do not allow.
 */

import { sentence } from '../derive.js';
import { h, setAttribute, setHidden, setText } from '../dom.js';
import { icon } from '../icons.js';

/** @typedef {import('../../../types/backend').Backend} Backend */
/** @typedef {import('../../../types/backend').Detail} Detail */
/** @typedef {import('../../../types/state').Actions} Actions */

/**
 * @param {Actions} actions
 * @param {Pick<Backend, 'picture'>} backend
 */
export function createPicture(actions, backend) {
  /** @type {string | null} */
  let id = null;
  const image = h('img', { alt: '', decoding: 'async', 'data-testid': 'detail-image' });
  const picture = h('div', { class: 'picture', hidden: true }, image);
  const problem = h('p', { class: 'field-error', role: 'alert', hidden: true, 'data-testid': 'image-problem' });
  const show = h('button', { type: 'button', class: 'button small', 'data-testid': 'show-image', onclick: () => void ask(), text: 'Show picture' });
  const question = h(
    'div',
    { class: 'picture-ask', hidden: true, 'data-testid': 'image-ask' },
    icon('picture'),
    h('p', { text: 'Picture not loaded' }),
    show,
    problem,
  );
  const off = h(
    'p',
    { class: 'picture-off', hidden: true, 'data-testid': 'image-off' },
    'Pictures are off in the settings. ',
    h('button', { type: 'button', class: 'link-button', 'data-testid': 'image-settings', onclick: () => actions.showPage('settings'), text: 'Settings' }),
  );

  picture.addEventListener('load', () => picture.classList.add('loaded'), true);
  image.addEventListener('error', () => setHidden(picture, true));

  async function ask() {
    if (id === null || show.getAttribute('aria-disabled') === 'true') return;
    const asked = id;
    setAttribute(show, 'aria-disabled', 'true');
    const told = await actions.showImage(asked);
    setAttribute(show, 'aria-disabled', null);
    if (asked === id) tell(told ? sentence(told) : '');
  }

  /** @param {string} text */
  function tell(text) {
    setText(problem, text);
    setHidden(problem, text === '');
  }

  return {
    element: h('div', {}, picture, question, off),
    /** @param {Detail} detail */
    show(detail) {
      id = detail.id;
      tell('');
      picture.classList.remove('loaded');
      const shown = detail.image === 'show';
      setHidden(picture, !shown);
      setHidden(question, detail.image !== 'ask');
      setHidden(off, detail.image !== 'off');
      if (shown) image.src = backend.picture(detail.id);
      else image.removeAttribute('src');
    },
  };
}
