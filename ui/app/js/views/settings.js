/**
 * The settings: each is saved as it is changed, and goes back to what it was, with the reason beside it, when the core
 * does not take it.
 */

import { heldOf, sentence } from '../derive.js';
import { h, newId, setHidden, setText } from '../dom.js';
import { icon } from '../icons.js';
import { FIRST_LIMIT, IMAGES, PAUSES, readCount, RULES, SHOWS, TYPES } from '../settings.js';
import { createQuietHours } from './quiet-hours.js';
import { countField, radios, refusal, section, selectLine, whenNew } from './setting-controls.js';

/** @typedef {import('../../../types/backend').Settings} Settings */
/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Actions} Actions */
/** @typedef {import('../../../types/state').Format} Format */
/** @typedef {{ element: HTMLElement, draw(settings: Settings, refused: State['settings']['refused']): void }} Part */

/**
 * @param {Actions} actions
 * @param {Format} format
 */
export function createSettings(actions, format) {
  const pause = createPause(actions, format);
  /** @type {Part[]} */
  const parts = [
    quiet(actions, format),
    arrival(actions),
    oneOf(actions, 'shows', SHOWS, {
      title: 'What a notification shows',
      hint: 'Other programs of your session can read notifications, and they may stand on a locked screen.',
    }),
    retention(actions),
    oneOf(actions, 'images', IMAGES, { title: 'Pictures', hint: "Fetching a picture can tell its server that you opened the message." }),
    atSignOut(actions),
  ];
  const form = h('div', { hidden: true }, ...parts.map((part) => part.element));
  const why = h('p', {});
  const failed = h(
    'div',
    { class: 'list-failed', role: 'alert', hidden: true, 'data-testid': 'settings-error' },
    icon('warning'),
    h('p', { class: 'empty-title', text: 'The settings could not be read' }),
    why,
    h('button', { type: 'button', class: 'button', 'data-testid': 'settings-retry', onclick: () => void actions.readSettings(), text: 'Try again' }),
  );
  return {
    element: h('div', { class: 'settings', 'data-testid': 'settings' }, pause.element, form, failed),
    /** @param {State} state */
    draw(state) {
      const { shown, problem, refused } = state.settings;
      pause.draw(state);
      setHidden(form, shown === null);
      setHidden(failed, shown !== null || problem === null);
      if (problem) setText(why, sentence(problem));
      if (shown) for (const part of parts) part.draw(shown, refused);
    },
  };
}

/**
 * @param {Actions} actions
 * @param {Format} format
 */
function createPause(actions, format) {
  const text = h('p', { class: 'pause-text', 'data-testid': 'pause-state' });
  const buttons = PAUSES.map(({ length, label }) =>
    h('button', { type: 'button', class: 'button small', 'data-testid': `pause-${length}`, onclick: () => void actions.pause(length), text: label }),
  );
  const choose = h('div', { class: 'button-row', role: 'group', 'aria-label': 'Pause notifications for' }, ...buttons);
  const resume = h('button', { type: 'button', class: 'button small', 'data-testid': 'pause-resume', onclick: () => void actions.resume(), text: 'Resume' });
  const why = refusal('pause');
  const element = section(
    { title: 'Pause', hint: 'Messages still come into the list. What came meanwhile is told once, when the pause ends.', testid: 'setting-pause' },
    text,
    choose,
    resume,
    why.element,
  );
  return {
    element,
    /** @param {State} state */
    draw({ view, now, settings }) {
      const held = view ? heldOf(view, now, format) : null;
      const paused = held?.resumable === true;
      const focused = document.activeElement;
      setText(text, held?.text ?? '');
      setHidden(text, held === null);
      setHidden(choose, paused);
      setHidden(resume, !paused);
      // The one that was pressed is gone: the next step takes its place.
      if (focused && element.contains(focused) && focused.closest('[hidden]')) (paused ? resume : buttons[0])?.focus();
      why.draw(settings.refused.get('pause'));
    },
  };
}

/** @param {Actions} actions @param {Format} format @returns {Part} */
function quiet(actions, format) {
  const why = refusal('quiet_hours');
  const hours = createQuietHours(format, why.element, (list) => void actions.changeSetting('quiet_hours', list));
  const draw = whenNew((/** @type {Settings['quiet_hours']} */ list) => hours.draw(list));
  return {
    element: section({ title: 'Quiet hours', hint: 'No notification comes in these hours of the week.', testid: 'setting-quiet' }, hours.element),
    draw({ quiet_hours: list }, refused) {
      draw(list);
      why.draw(refused.get('quiet_hours'));
    },
  };
}

/** @param {Actions} actions @returns {Part} */
function arrival(actions) {
  /** @type {Settings['rules']} */
  let shown = { message: 'alert', shoutout: 'alert', inbox: 'alert' };
  const lines = TYPES.map(({ event, label }) => ({
    event,
    line: selectLine({
      label, testid: `rule-${event}`, options: RULES,
      then: (rule) => void actions.changeSetting('rules', { ...shown, [event]: rule }),
    }),
  }));
  const why = refusal('rules');
  return {
    element: section({ title: 'When something arrives', testid: 'setting-rules' }, h('div', { class: 'setting-lines' }, ...lines.map(({ line }) => line.element)), why.element),
    draw({ rules }, refused) {
      shown = rules;
      for (const { event, line } of lines) line.draw(rules[event]);
      why.draw(refused.get('rules'));
    },
  };
}

/**
 * @template {'shows' | 'images'} F
 * @param {Actions} actions
 * @param {F} field
 * @param {readonly { value: Settings[F], label: string }[]} options
 * @param {{ title: string, hint: string }} words
 * @returns {Part}
 */
function oneOf(actions, field, options, words) {
  const why = refusal(field);
  const group = radios({
    label: words.title, name: field, options, describedBy: why.element.id,
    then: (value) => void actions.changeSetting(field, value),
  });
  return {
    element: section({ ...words, testid: `setting-${field}` }, group.element, why.element),
    draw(settings, refused) {
      group.draw(settings[field]);
      why.draw(refused.get(field));
    },
  };
}

/** @param {Actions} actions @returns {Part} */
function retention(actions) {
  /** @type {Settings['retention']} */
  let shown = { days: null, messages: null };
  /** A number that is none: said here, for it cannot be sent. */
  let wrong = '';
  const save = (/** @type {Partial<Settings['retention']>} */ patch) => void actions.changeSetting('retention', { ...shown, ...patch });
  const group = newId('keep');
  const forever = h('input', { type: 'radio', name: group, 'data-testid': 'keep-forever', onchange: () => save({ days: null }) });
  const some = h('input', { type: 'radio', name: group, 'data-testid': 'keep-days', onchange: () => save({ days: readCount(days.input.value) ?? FIRST_LIMIT.days }) });
  const limited = h('input', {
    type: 'checkbox', 'data-testid': 'keep-most',
    onchange: () => save({ messages: limited.checked ? (readCount(messages.input.value) ?? FIRST_LIMIT.messages) : null }),
  });
  const days = countField({ label: 'Days that read messages are kept', testid: 'keep-days-count', then: (text) => take('days', text) });
  const messages = countField({ label: 'Among how many of the newest messages read ones are kept', testid: 'keep-most-count', then: (text) => take('messages', text) });
  const why = refusal('retention');

  /** @param {'days' | 'messages'} name @param {string} text */
  function take(name, text) {
    const count = readCount(text);
    wrong = count === null ? 'Enter a whole number, 1 or more.' : '';
    if (count !== null) save({ [name]: count });
    else {
      reset();
      why.draw(null, wrong);
      actions.say(wrong);
    }
  }

  function reset() {
    forever.checked = shown.days === null;
    some.checked = shown.days !== null;
    limited.checked = shown.messages !== null;
    days.draw(shown.days, FIRST_LIMIT.days);
    messages.draw(shown.messages, FIRST_LIMIT.messages);
  }

  const draw = whenNew(() => {
    wrong = '';
    reset();
  });
  return {
    element: section(
      { title: 'Keep read messages', hint: 'On this device. Unread messages always stay.', testid: 'setting-retention' },
      h(
        'div',
        { class: 'options', role: 'radiogroup', 'aria-label': 'Keep read messages', 'aria-describedby': why.element.id },
        h('label', { class: 'option' }, forever, h('span', { text: 'Forever' })),
        h('div', { class: 'option-line' }, h('label', { class: 'option' }, some, h('span', { text: 'For' })), days.input, h('span', { 'aria-hidden': 'true', text: 'days' })),
      ),
      h(
        'div',
        { class: 'option-line' },
        h('label', { class: 'option' }, limited, h('span', { text: 'Only among the newest' })),
        messages.input,
        h('span', { 'aria-hidden': 'true', text: 'messages' }),
      ),
      why.element,
    ),
    draw(settings, refused) {
      shown = settings.retention;
      draw(shown);
      why.draw(wrong === '' ? refused.get('retention') : null, wrong);
    },
  };
}

/** @param {Actions} actions @returns {Part} */
function atSignOut(actions) {
  const why = refusal('purge_at_sign_out');
  const group = radios({
    label: 'At sign-out', name: 'purge', describedBy: why.element.id,
    options: [{ value: 'remove', label: 'Remove messages from this device' }, { value: 'keep', label: 'Keep messages on this device' }],
    then: (value) => void actions.changeSetting('purge_at_sign_out', value === 'remove'),
  });
  return {
    element: section({ title: 'At sign-out', hint: 'Signing out asks each time; this is what it proposes.', testid: 'setting-purge' }, group.element, why.element),
    draw(settings, refused) {
      group.draw(settings.purge_at_sign_out ? 'remove' : 'keep');
      why.draw(refused.get('purge_at_sign_out'));
    },
  };
}
