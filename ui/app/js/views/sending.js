/**
 * The read marks on their way to the server, while there are several or while signing out waits for them.
 */

import { sendingOf } from '../derive.js';
import { h, setAttribute, setHidden, setText } from '../dom.js';

/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Actions} Actions */

/** @param {Actions} actions */
export function createSending(actions) {
  const text = h('p', { class: 'strip-text' });
  const bar = h('progress', { class: 'progress', 'aria-label': 'Read marks sent' });
  const strip = h('div', { class: 'strip sending', hidden: true, 'data-testid': 'sending' }, h('div', { class: 'strip-words' }, text, bar));
  let told = false;
  return {
    element: strip,
    /** @param {State} state */
    draw({ view, leaving }) {
      const shown = view && sendingOf(view, leaving);
      setHidden(strip, !shown);
      if (shown) {
        setText(text, shown.text);
        // Without a value it moves without saying how far it is.
        setAttribute(bar, 'max', shown.total);
        setAttribute(bar, 'value', shown.total === null ? null : shown.done);
      }
      // Each step aloud would drown all else.
      if (shown && !told) actions.say(shown.text);
      if (!shown && told && view?.outbox === 0) actions.say('Read marks sent');
      told = Boolean(shown);
    },
  };
}
