/**
 * What the person is asked before something is lost. Pure: words alone.
 */

/** @typedef {import('../../types/backend').View} View */

/**
 * The question before a link fills in the form.
 * @param {import('../../types/backend').SignInLink} link
 */
export function linkQuestion({ environment, brand, code }) {
  const known = { production: 'Production', staging: 'Staging' }[environment];
  return {
    title: `Fill in the sign-in to ${brand}?`,
    text: `A link names this ${known ? 'environment' : 'server'}${code === null ? '' : ' and brings a pairing code'}. Go on only if you trust who gave it to you: your messages will come from there.`,
    quote: known ?? environment,
    confirm: 'Fill in',
  };
}

/**
 * The question before signing out.
 * @param {View} view
 * @param {boolean} purge what the settings say
 */
export function signOutQuestion(view, purge) {
  const brand = view.account?.brand ?? 'this account';
  const marks = view.outbox;
  const first = marks > 0 ? ` ${marks === 1 ? 'One read mark is' : `${marks} read marks are`} sent to ${brand} first.` : '';
  return {
    title: `Sign out of ${brand}?`,
    text: `The session id is deleted from this device.${first}`,
    choice: {
      label: 'Remove messages from this device',
      hint: 'If they are kept, they are here again once you sign in as the same user.',
      checked: purge,
    },
    confirm: 'Sign out',
    danger: true,
  };
}

/**
 * The question after read marks could not be sent, with what is lost.
 * @param {View} view
 */
export function discardQuestion(view) {
  const brand = view.account?.brand ?? 'the server';
  const marks = view.outbox;
  return {
    title: 'Sign out without sending read marks?',
    text: `${marks > 1 ? `${marks} read marks have` : 'A read mark has'} not reached ${brand} and will be lost: there, ${marks > 1 ? 'those messages stay' : 'that message stays'} unread.`,
    confirm: 'Discard and sign out',
    danger: true,
  };
}
