import assert from 'node:assert/strict';
import test from 'node:test';
import { ago, clock, dayHeading, dayKey, formatFor, fullDate, moment, parse, readClock, rowTime, until, writeClock } from '../app/js/time.js';

const MALTA = { locale: 'en-GB', hour12: false, timeZone: 'Europe/Malta' };
const BOSTON = { locale: 'en-US', hour12: true, timeZone: 'America/New_York' };
// A Thursday afternoon in winter, Malta is one hour ahead of UTC.
const NOW = Date.parse('2024-02-15T13:05:00Z');
const at = (text) => Date.parse(text);

test('a row shows relative time under an hour, clock today, weekday this week, date beyond', () => {
  const table = [
    ['2024-02-15T13:04:30Z', 'now'],
    ['2024-02-15T13:04:00Z', '1 min'],
    ['2024-02-15T12:05:01Z', '59 min'],
    ['2024-02-15T12:05:00Z', '13:05'],
    ['2024-02-14T23:00:00Z', '00:00'],
    ['2024-02-14T22:59:00Z', 'Wed'],
    ['2024-02-09T08:00:00Z', 'Fri'],
    ['2024-02-08T22:00:00Z', '8 Feb'],
    ['2023-12-31T08:00:00Z', '31 Dec 2023'],
  ];
  for (const [date, shown] of table) assert.equal(rowTime(at(date), NOW, MALTA), shown, date);
});

test('a message from a clock that runs ahead is "now", and one from far ahead has its date', () => {
  assert.equal(rowTime(NOW + 20_000, NOW, MALTA), 'now');
  assert.equal(rowTime(at('2024-02-15T15:00:00Z'), NOW, MALTA), '16:00');
  assert.equal(rowTime(at('2024-02-17T15:00:00Z'), NOW, MALTA), '17 Feb');
});

test('a date that cannot be read shows nothing rather than "Invalid Date"', () => {
  for (const write of [rowTime, dayHeading, moment]) assert.doesNotMatch(write(Number.NaN, NOW, MALTA) ?? '', /invalid/i);
  assert.equal(fullDate(Number.NaN, MALTA), '');
  assert.equal(rowTime(Number.NaN, NOW, MALTA), '');
});

test('days are headed by their distance on the calendar, not by hours', () => {
  assert.equal(dayHeading(at('2024-02-14T23:30:00Z'), NOW, MALTA), 'Today');
  assert.equal(dayHeading(at('2024-02-13T23:30:00Z'), NOW, MALTA), 'Yesterday');
  assert.equal(dayHeading(at('2024-02-12T12:00:00Z'), NOW, MALTA), 'Monday');
  assert.equal(dayHeading(at('2024-02-08T12:00:00Z'), NOW, MALTA), '8 February');
  assert.equal(dayHeading(at('2022-02-08T12:00:00Z'), NOW, MALTA), '8 February 2022');
});

test('the day the clocks change is still one day away', () => {
  const monday = at('2024-04-01T00:30:00Z');
  assert.equal(dayHeading(at('2024-03-30T23:30:00Z'), monday, MALTA), 'Yesterday');
});

test('the calendar day is that of the zone', () => {
  assert.equal(dayKey(at('2024-02-14T23:30:00Z'), MALTA), '2024-02-15');
  assert.equal(dayKey(at('2024-02-15T03:30:00Z'), BOSTON), '2024-02-14');
});

test('clock and order follow the system, words are English', () => {
  assert.equal(clock(NOW, MALTA), '14:05');
  assert.equal(clock(NOW, BOSTON), '8:05 AM');
  // Engines differ about the first comma.
  assert.match(fullDate(NOW, MALTA), /^Thursday,? 15 February 2024, 14:05$/);
  assert.match(fullDate(NOW, BOSTON), /^Thursday, February 15, 2024, 8:05 AM$/);
  assert.equal(formatFor(['de-DE']).locale, 'en-GB');
  assert.equal(formatFor(['de-DE']).hour12, false);
  assert.deepEqual(formatFor(['fr', 'en-US']).locale, 'en-US');
});

test('a system without a language, as LANG=C, is written by the day\'s 24 hours', () => {
  for (const languages of [['C'], ['POSIX', ''], []]) assert.deepEqual(formatFor(languages), { locale: 'en-GB', hour12: false });
  assert.equal(formatFor(['C', 'en-US']).hour12, true);
});

test('midnight is 00:00 and never 24:00', () => {
  assert.equal(clock(at('2024-02-14T23:00:00Z'), MALTA), '00:00');
});

test('"since" has the day with it when that was not today', () => {
  assert.equal(moment(at('2024-02-15T08:02:00Z'), NOW, MALTA), '09:02');
  assert.equal(moment(at('2024-02-12T08:02:00Z'), NOW, MALTA), 'Mon 09:02');
  assert.equal(moment(at('2024-01-12T08:02:00Z'), NOW, MALTA), '12 Jan 09:02');
});

test('the last check is told in a sentence', () => {
  assert.equal(ago(NOW - 5_000, NOW, MALTA), 'just now');
  assert.equal(ago(NOW - 300_000, NOW, MALTA), '5 min ago');
  assert.equal(ago(at('2024-02-15T08:02:00Z'), NOW, MALTA), 'at 09:02');
  assert.equal(ago(at('2024-02-14T08:02:00Z'), NOW, MALTA), 'on Wed 09:02');
});

test('timestamps with nine digits of a second are read', () => {
  assert.equal(parse('2024-02-15T13:05:00.123456789Z'), NOW + 123);
  assert.equal(parse('2024-02-15T13:05:00Z'), NOW);
  assert.ok(Number.isNaN(parse(null)));
  assert.ok(Number.isNaN(parse('soon')));
});

test('a moment to come is a clock where that can mean one moment only, and has its day beyond', () => {
  assert.equal(until(at('2024-02-15T14:04:00Z'), NOW, MALTA), '15:04');
  assert.equal(until(at('2024-02-16T00:30:00Z'), NOW, MALTA), '01:30', 'after midnight, within half a day');
  assert.equal(until(at('2024-02-16T07:00:00Z'), NOW, MALTA), 'tomorrow 08:00');
  assert.equal(until(at('2024-02-19T07:00:00Z'), NOW, MALTA), 'Mon 08:00');
  assert.equal(until(at('2024-02-16T13:00:00Z'), NOW, BOSTON), 'tomorrow 8:00 AM');
  assert.equal(until(Number.NaN, NOW, MALTA), '');
});

test('a time of day is written as the system does and read as people type it', () => {
  assert.equal(writeClock('22:00', MALTA), '22:00');
  assert.equal(writeClock('22:00', BOSTON), '10:00 PM');
  for (const [typed, read] of [
    ['22:00', '22:00'], [' 7:05 ', '07:05'], ['9.30', '09:30'], ['9h30', '09:30'], ['22', '22:00'], ['10 pm', '22:00'], ['10:00 PM', '22:00'],
    ['12 am', '00:00'], ['12:30 p.m.', '12:30'], ['24:00', null], ['7:60', null], ['13 pm', null], ['0 am', null], ['', null], ['soon', null],
  ]) assert.equal(readClock(typed), read, typed);
  assert.equal(readClock(writeClock('00:05', BOSTON)), '00:05');
});
