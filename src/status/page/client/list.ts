import type { ListReport } from '../../../public';
import { byId, el, setText } from './dom';
import { numberText, words } from './language';
import { hrefOf, isNarrowed, PAGE, type Query } from './query';
import { rowElement } from './rows';

/** Elements of the list, with the data that they were made from. */
const drawn = new Map<string, { made: string; element: HTMLElement }>();

/** Only new and changed elements are replaced, which preserves focus and scroll position. */
export function drawList(
  { certificates, matching, counts, reloaders, offset }: ListReport,
  query: Query,
): void {
  const minute = Math.floor(Date.now() / 60_000);
  const focused = document.activeElement?.closest<HTMLElement>('.row')?.dataset['key'];
  const keys = new Set<string>();
  const elements = certificates.map((certificate) => {
    const key = `${certificate.entry} ${certificate.link}`;
    keys.add(key);
    const made = `${words.lang} ${minute} ${location.hash} ${reloaders.length} ${JSON.stringify(certificate)}`;
    const before = drawn.get(key);
    if (before?.made === made) return before.element;
    const element = rowElement(certificate, query, reloaders);
    drawn.set(key, { made, element });
    return element;
  });
  for (const key of drawn.keys()) if (!keys.has(key)) drawn.delete(key);
  const list = byId('list');
  if (
    list.childElementCount !== elements.length ||
    elements.some((one, index) => list.children[index] !== one)
  )
    list.replaceChildren(...elements);
  if (focused !== undefined && document.activeElement === document.body)
    drawn.get(focused)?.element.querySelector<HTMLElement>('.line')?.focus({ preventScroll: true });
  const total = numberText(counts.total);
  setText(
    'count',
    isNarrowed(query) ? words.matching(numberText(matching), total) : words.certificates(total),
  );
  const empty = byId('empty');
  empty.hidden = matching > 0;
  empty.textContent = isNarrowed(query) ? words.ui.nothing : words.ui.empty;
  drawPager(query, offset, certificates.length, matching);
}

function drawPager(query: Query, offset: number, shown: number, matching: number): void {
  const pager = byId('pager');
  pager.hidden = matching <= PAGE && offset === 0;
  const link = (word: string, page: number, isThere: boolean, name: string) =>
    isThere
      ? el('a', { href: hrefOf(query, { page }), 'data-page': name, rel: name }, word)
      : el('span', { class: 'quiet' }, word);
  pager.replaceChildren(
    link(`← ${words.ui.previous}`, query.page - 1, query.page > 1, 'prev'),
    el(
      'span',
      {},
      words.range(numberText(offset + Math.min(1, shown)), numberText(offset + shown), numberText(matching)),
    ),
    link(`${words.ui.next} →`, query.page + 1, offset + shown < matching, 'next'),
  );
}
