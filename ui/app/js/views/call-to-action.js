/**
 * The buttons of a message: the first filled, the second outlined, each saying where it leads on hover and focus. The
 * address is only shown: the core opens it by the message's id and the button's place.
 */

import { sentence } from '../derive.js';
import { h, newId, setHidden, setText } from '../dom.js';

/** @typedef {import('../../../types/backend').Button} Button */
/** @typedef {import('../../../types/state').Actions} Actions */

/** @param {Actions} actions */
export function createCallToAction(actions) {
  const row = h('div', { class: 'cta-row' });
  const target = h('p', { class: 'cta-target', dir: 'ltr', 'data-testid': 'cta-target', 'aria-hidden': 'true' });
  const refused = h('div', { class: 'cta-refused' });
  const problem = h('p', { class: 'cta-problem', role: 'alert', hidden: true, 'data-testid': 'cta-problem' });
  const element = h('div', { class: 'cta', hidden: true }, row, target, refused, problem);

  /**
   * @param {string} id
   * @param {Button} button
   * @param {number} index
   */
  function make(id, button, index) {
    const noteId = newId('cta-note');
    const label = button.text || 'Open';
    const note = button.allowed
      ? `Opens ${button.target} in the browser`
      : `“${label}” cannot be opened: its address is not one that a browser may be given${button.target ? ` (${button.target})` : ''}.`;
    const made = h(
      'button',
      {
        type: 'button', class: index === 0 ? 'button filled' : 'button', 'data-testid': `cta-${index}`,
        'aria-describedby': noteId, 'aria-disabled': !button.allowed && 'true',
        onclick: async () => {
          if (!button.allowed) return;
          setHidden(problem, true);
          const told = await actions.openLink(id, index, button);
          if (told) {
            setText(problem, `The link could not be opened. ${sentence(told)}`);
            setHidden(problem, false);
          }
        },
      },
      h('span', { class: 'cta-label', dir: 'auto', text: label }),
    );
    const show = () => setText(target, button.allowed ? button.target : '');
    const hide = () => setText(target, '');
    made.addEventListener('pointerenter', show);
    made.addEventListener('pointerleave', hide);
    made.addEventListener('focus', show);
    made.addEventListener('blur', hide);
    return { made, note: h('p', { id: noteId, class: button.allowed ? 'spoken' : '', text: note }) };
  }

  return {
    element,
    /**
     * @param {string} id
     * @param {readonly Button[]} buttons
     */
    show(id, buttons) {
      const made = buttons.slice(0, 2).map((button, index) => make(id, button, index));
      row.replaceChildren(...made.map(({ made: button }) => button));
      refused.replaceChildren(...made.map(({ note }) => note));
      setText(target, '');
      setHidden(target, !buttons.some((button) => button.allowed));
      setHidden(problem, true);
      setHidden(element, made.length === 0);
    },
  };
}
