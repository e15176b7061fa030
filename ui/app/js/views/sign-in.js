/**
 * The first thing a person sees: what this is, three fields, one button.
 */

import { h, newId, setAttribute, setHidden, setText } from '../dom.js';
import { glyph } from '../icons.js';
import { sidField } from './sid-field.js';
import { signInOutcome } from './sign-in-outcome.js';

/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Actions} Actions */

/**
 * @param {Actions} actions
 */
export function createSignIn(actions) {
  const environment = h(
    'select',
    { id: newId('environment'), class: 'input', 'data-testid': 'environment' },
    h('option', { value: 'production', text: 'Production' }),
    h('option', { value: 'staging', text: 'Staging' }),
    h('option', { value: 'custom', text: 'Custom address' }),
  );
  const url = textField({
    label: 'Address', testid: 'custom-url', type: 'url', placeholder: 'https://notify.example.com', missing: 'Enter the address of the server.',
  });
  const brand = textField({ label: 'Brand', testid: 'brand', type: 'text', placeholder: 'acme', missing: "Enter the brand's name." });
  const sid = sidField();
  const button = h('button', { type: 'submit', class: 'button filled wide', 'data-testid': 'sign-in', text: 'Sign in' });
  const outcome = signInOutcome(() => void send(true));
  const fields = h(
    'fieldset',
    { class: 'fields' },
    h('div', { class: 'field' }, h('label', { for: environment.id, text: 'Environment' }), h('div', { class: 'select' }, environment)),
    url.element,
    brand.element,
    sid.element,
    h(
      'details',
      { class: 'help' },
      h('summary', { text: 'Where do I find the session id?' }),
      h('p', {
        text: "It belongs to your sign-in on the brand's own site. Your brand's support or IT team can tell you where the site shows it. Treat it like a password: Traybell keeps it in the system's keyring and nowhere else.",
      }),
    ),
    button,
  );
  const form = h(
    'form',
    {
      class: 'sign-in-form', novalidate: true, autocomplete: 'off',
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        void send(false);
      },
    },
    fields,
    outcome.element,
  );

  const showUrl = () => setHidden(url.element, environment.value !== 'custom');
  environment.addEventListener('change', showUrl);
  showUrl();

  /** Says what is missing and goes to the first such field. */
  function complete() {
    const wrong = [environment.value === 'custom' ? url : null, brand, sid].filter((field) => {
      if (!field) return false;
      const missing = field.value() === '';
      field.setError(missing ? ('missing' in field ? field.missing : 'Paste the session id.') : '');
      return missing;
    });
    wrong[0]?.input.focus();
    return wrong.length === 0;
  }

  let busy = false;
  /** The field that was being looked at lost the focus when the form was switched off. */
  let refocus = false;
  function enable() {
    setAttribute(fields, 'disabled', busy);
    if (busy || !refocus) return;
    refocus = false;
    sid.input.focus();
  }

  /** @param {boolean} sessionOnly */
  async function send(sessionOnly) {
    if (!complete()) return;
    const signedIn = await actions.signIn({
      environment: environment.value === 'custom' ? url.value() : environment.value,
      brand: brand.value(),
      sid: sid.value(),
      sessionOnly,
      insecureConfirmed: false,
    });
    if (signedIn) sid.clear();
    else refocus = true;
    enable();
  }

  /** @type {NonNullable<State['view']>['account']} */
  let last = null;
  /** Whoever was signed in in this window need not type it again. */
  function fill() {
    if (last) fillFrom(last);
    last = null;
  }

  /** @param {{ environment: string, brand: string }} from */
  function fillFrom(from) {
    const known = from.environment === 'production' || from.environment === 'staging';
    environment.value = known ? from.environment : 'custom';
    url.input.value = known ? '' : from.environment;
    brand.input.value = from.brand;
    for (const field of [url, brand]) field.setError('');
    showUrl();
  }

  return {
    element: h(
      'main',
      { class: 'sign-in', 'data-testid': 'sign-in-screen' },
      h(
        'div',
        { class: 'sign-in-card' },
        h('div', { class: 'mark' }, glyph()),
        h('h1', { text: 'Traybell' }),
        h('p', { class: 'lead', text: "Your brand's messages, in your system's tray and notifications. Sign in once; it keeps watch." }),
        form,
        h('p', { class: 'sign-in-foot' }, h('button', {
          type: 'button', class: 'link-button', 'data-testid': 'sign-in-diagnostics', onclick: () => actions.showPage('diagnostics'), text: 'Diagnostics',
        })),
      ),
    ),
    /** Told of every state, also while another screen is shown. @param {State} state */
    remember({ view }) {
      if (view?.account) last = view.account;
    },
    /** What a link brings, after the person agreed. @param {import('../../../types/backend').SignInLink} link */
    fillIn(link) {
      last = null;
      fillFrom(link);
      sid.clear();
      if (link.code !== null) sid.input.value = link.code;
      (link.code === null ? sid.input : button).focus();
    },
    focus: () => (brand.input.value === '' ? brand.input : sid.input).focus(),
    /** @param {State} state */
    draw(state) {
      fill();
      const session = state.view?.session;
      const running = session?.state === 'signing_in';
      busy = state.signIn.busy || running;
      enable();
      setText(button, busy ? 'Signing in…' : 'Sign in');
      setAttribute(form, 'aria-busy', busy && 'true');
      const told = state.signIn.problem ?? (session?.state === 'signed_out' || session?.state === 'rejected' ? session.problem : null);
      outcome.draw({ step: running ? session.step : busy ? 'brand' : null, brand: brand.value(), problem: told });
    },
  };
}

/**
 * @param {{ label: string, testid: string, type: string, placeholder: string, missing: string }} what
 */
function textField({ label, testid, type, placeholder, missing }) {
  const id = newId(testid);
  const errorId = `${id}-error`;
  const input = h('input', {
    id, type, class: 'input', placeholder, autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', required: true,
    'data-testid': testid,
  });
  const error = h('p', { id: errorId, class: 'field-error', hidden: true });
  /** @param {string} text empty: nothing is wrong */
  function setError(text) {
    error.hidden = text === '';
    setText(error, text);
    setAttribute(input, 'aria-invalid', text !== '' && 'true');
    setAttribute(input, 'aria-describedby', text !== '' && errorId);
  }
  input.addEventListener('input', () => setError(''));
  return {
    element: h('div', { class: 'field' }, h('label', { for: id, text: label }), input, error),
    input,
    missing,
    value: () => input.value.trim(),
    setError,
  };
}
