import type { ListReport } from '../../../public';
import { SORTS } from '../../../public/list';
import type { Level } from '../words';
import { byId, el } from './dom';
import { numberText, words } from './language';
import { hrefOf, type Query } from './query';
import { entryName, LEVELS, STATES } from './rows';

/** The chips of states and levels of life, with their counts. */
export function drawChips({ counts }: ListReport, query: Query): void {
  const chip = (
    name: string,
    word: string,
    tone: string,
    count: number,
    change: Partial<Query>,
    on: boolean,
  ) => {
    const button = el(
      'a',
      {
        href: hrefOf(query, { ...change, page: 1 }),
        role: 'button',
        'aria-pressed': on,
        'data-chip': name,
        'data-tone': tone,
      },
      el('b', {}, numberText(count)),
      ` ${word}`,
    );
    return button;
  };
  const isAll = query.state === '' && query.expiry === '';
  const chips = [chip('all', words.ui.all, 'idle', counts.total, { state: '', expiry: '' }, isAll)];
  for (const level of Object.keys(LEVELS) as Level[]) {
    const count = level === 'overdue' ? counts.late : (counts.lives[level] ?? 0);
    const on = query.expiry === level;
    if (count > 0 || on)
      chips.push(
        chip(level, words.levels[level], LEVELS[level][0], count, { state: '', expiry: on ? '' : level }, on),
      );
  }
  for (const state of Object.keys(STATES) as (keyof typeof STATES)[]) {
    const count = counts.states[state] ?? 0;
    const on = query.state === state;
    if (count > 0 || on)
      chips.push(
        chip(state, words.states[state], STATES[state][0], count, { expiry: '', state: on ? '' : state }, on),
      );
  }
  const focused = (document.activeElement as HTMLElement | null)?.dataset['chip'];
  byId('states').replaceChildren(...chips);
  if (focused !== undefined) chips.find((one) => one.dataset['chip'] === focused)?.focus();
}

/** The lists of sources, orders and entries. */
export function drawSelects({ reloaders }: ListReport, query: Query): void {
  const sources = [...new Set(reloaders.flatMap((one) => one.sources.map(({ id }) => id)))];
  fill('source', query.source, [
    [null, words.ui.allSources],
    ...sources.map((id): [string, string] => [id, id]),
    ['', words.ui.noSource],
  ]);
  fill(
    'sort',
    query.sort,
    SORTS.map((sort): [string, string] => [sort, words.sorts[sort]]),
  );
  byId('entry').hidden = reloaders.length < 2;
  fill('entry', query.entry, [
    [null, words.ui.allEntries],
    ...reloaders.map(({ entry }): [string, string] => [entry, entryName(entry)]),
  ]);
}

/** Stands for every value; an empty one has a meaning of its own. */
export const ANY = '*';

function fill(
  id: string,
  chosen: string | null,
  options: readonly (readonly [string | null, string])[],
): void {
  const select = byId(id) as HTMLSelectElement;
  const gist = JSON.stringify([words.lang, options]);
  if (select.dataset['gist'] !== gist) {
    select.dataset['gist'] = gist;
    select.replaceChildren(...options.map(([value, text]) => el('option', { value: value ?? ANY }, text)));
  }
  select.value = chosen ?? ANY;
}
