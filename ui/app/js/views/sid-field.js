/**
 * The field for the session id: hidden like a password, with a switch to look at it. Its value is read when it is sent
 * and is kept nowhere else.
 */

import { h, newId, setAttribute, setText } from '../dom.js';

export function sidField() {
  const id = newId('sid');
  const errorId = `${id}-error`;
  const input = h('input', {
    id, type: 'password', name: 'sid', class: 'input', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false',
    required: true, 'data-testid': 'sid',
  });
  const toggle = h('button', {
    type: 'button', class: 'inset', 'aria-pressed': 'false', 'aria-label': 'Show the session id', 'aria-controls': id,
    'data-testid': 'sid-show', text: 'Show',
  });
  const error = h('p', { id: errorId, class: 'field-error', hidden: true });

  /** @param {boolean} shown */
  function show(shown) {
    input.type = shown ? 'text' : 'password';
    setAttribute(toggle, 'aria-pressed', String(shown));
    setText(toggle, shown ? 'Hide' : 'Show');
  }
  toggle.addEventListener('click', () => {
    show(input.type === 'password');
    input.focus();
  });

  /** @param {string} text empty: nothing is wrong */
  function setError(text) {
    error.hidden = text === '';
    setText(error, text);
    setAttribute(input, 'aria-invalid', text !== '' && 'true');
    setAttribute(input, 'aria-describedby', text !== '' && errorId);
  }
  input.addEventListener('input', () => setError(''));

  return {
    element: h(
      'div',
      { class: 'field' },
      h('label', { for: id, text: 'Session id or pairing code' }),
      h('div', { class: 'input-with-inset' }, input, toggle),
      error,
    ),
    input,
    /** Without the blanks and line ends that come with pasting. */
    value: () => input.value.trim(),
    setError,
    clear() {
      input.value = '';
      show(false);
      setError('');
    },
  };
}
