/**
 * What stands under a sign-in form: the steps while it runs, then why it did not succeed and what can be done.
 */

import { stepsOf } from '../derive.js';
import { h, setHidden, setText } from '../dom.js';
import { icon } from '../icons.js';

/** @typedef {import('../../../types/backend').Problem} Problem */
/** @typedef {import('../../../types/backend').Step} Step */

/**
 * @param {() => void} sessionOnly send the same form again, keeping the session id in memory alone
 */
export function signInOutcome(sessionOnly) {
  const steps = h('ol', { class: 'steps', hidden: true, 'data-testid': 'steps', 'aria-label': 'Signing in' });
  const message = h('p', { class: 'problem-message' });
  const hint = h('p', { class: 'problem-hint' });
  const offer = h('button', {
    type: 'button', class: 'button', 'data-testid': 'session-only', onclick: sessionOnly, text: 'Keep it for this session only',
  });
  const problem = h(
    'div',
    { class: 'problem', role: 'alert', hidden: true, 'data-testid': 'sign-in-error' },
    icon('warning'),
    h('div', {}, message, hint, offer),
  );

  /** @param {Step | null} step @param {string} brand */
  function drawSteps(step, brand) {
    setHidden(steps, step === null);
    if (step === null) return;
    steps.replaceChildren(
      ...stepsOf(step, brand).map(({ text, state, step: name }) =>
        h(
          'li',
          { class: `step ${state}`, 'data-step': name, 'aria-current': state === 'doing' && 'step' },
          h('span', { class: 'step-sign' }, state === 'done' ? icon('check', 16) : null),
          h('span', { text }),
        ),
      ),
    );
  }

  /** @param {Problem | null} told */
  function drawProblem(told) {
    if (told) {
      problem.dataset['code'] = told.code;
      setText(message, told.message);
      setText(hint, told.hint);
      setHidden(hint, told.hint === '');
      setHidden(offer, told.code !== 'no_keyring');
    }
    setHidden(problem, told === null);
    // What can be done stands at its end, which a low window would hide.
    if (told) problem.scrollIntoView({ block: 'nearest' });
  }

  let drawn = '';
  return {
    element: h('div', { class: 'outcome' }, steps, problem),
    /**
     * @param {{ step: Step | null, brand: string, problem: Problem | null }} what
     */
    draw(what) {
      // A redraw with nothing new would make a screen reader say it again.
      const key = JSON.stringify(what);
      if (key === drawn) return;
      drawn = key;
      drawSteps(what.step, what.brand);
      drawProblem(what.step === null ? what.problem : null);
    },
  };
}
