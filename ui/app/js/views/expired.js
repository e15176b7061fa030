/**
 * The session expired, or the keyring that holds its id is missing: the list stays, and this asks for the session id alone.
 */

import { sidRequestOf } from '../derive.js';
import { h, newId, setAttribute, setHidden, setText } from '../dom.js';
import { icon } from '../icons.js';
import { sidField } from './sid-field.js';
import { signInOutcome } from './sign-in-outcome.js';

/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Actions} Actions */
/** @typedef {import('../../../types/state').Store} Store */

/**
 * @param {Store} store
 * @param {Actions} actions
 */
export function createExpired(store, actions) {
  const titleId = newId('expired');
  const title = h('h2', { id: titleId, text: 'Session expired' });
  const reason = h('p', { class: 'expired-reason' });
  const sid = sidField();
  const button = h('button', { type: 'submit', class: 'button filled', 'data-testid': 'sign-in', text: 'Sign in' });
  const fields = h('fieldset', { class: 'fields inline' }, sid.element, button);
  const outcome = signInOutcome(() => void send(true));
  const form = h(
    'form',
    {
      novalidate: true, autocomplete: 'off',
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        void send(false);
      },
    },
    fields,
    outcome.element,
  );
  const element = h(
    'section',
    { class: 'expired', 'aria-labelledby': titleId, hidden: true, 'data-testid': 'expired' },
    h('div', { class: 'expired-head' }, icon('key'), h('div', {}, title, reason)),
    form,
  );

  let busy = false;
  /** The field lost the focus when the form was switched off. */
  let refocus = false;
  function enable() {
    setAttribute(fields, 'disabled', busy);
    if (busy || !refocus) return;
    refocus = false;
    sid.input.focus();
  }

  /** @param {boolean} sessionOnly */
  async function send(sessionOnly) {
    const account = store.get().view?.account;
    if (!account) return;
    if (sid.value() === '') {
      sid.setError('Paste the new session id.');
      sid.input.focus();
      return;
    }
    const signedIn = await actions.signIn({
      environment: account.environment, brand: account.brand, sid: sid.value(), sessionOnly, insecureConfirmed: false,
    });
    if (signedIn) sid.clear();
    else refocus = true;
    enable();
  }

  return {
    element,
    /** @param {State} state */
    draw(state) {
      const session = state.view?.session;
      const running = session?.state === 'signing_in';
      const request = state.view && sidRequestOf(state.view);
      const shown = request !== null || running;
      setHidden(element, !shown);
      if (!shown) return;
      if (request) {
        setText(title, request.title);
        setText(reason, request.reason);
      }
      busy = state.signIn.busy || running;
      enable();
      setText(button, busy ? 'Signing in…' : 'Sign in');
      const brand = state.view?.account?.brand ?? '';
      outcome.draw({ step: running ? session.step : busy ? 'brand' : null, brand, problem: state.signIn.problem });
    },
  };
}
