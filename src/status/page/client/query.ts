import { SORTS, type Sort } from '../../../public/list';

/** The state of the page. It is kept in the address, so that links, reloads and the back button work. */
export interface Query {
  q: string;
  /** States and levels of life, as on the chips. */
  state: string;
  expiry: string;
  source: string | null;
  entry: string | null;
  sort: Sort;
  page: number;
  /** Key of the certificate that is shown alone. */
  open: string | null;
}

export const PAGE = 50;

export function readQuery(): Query {
  const given = new URLSearchParams(location.hash.slice(1));
  const sort = given.get('sort') as Sort;
  return {
    q: given.get('q') ?? '',
    state: given.get('state') ?? '',
    expiry: given.get('expiry') ?? '',
    source: given.get('source'),
    entry: given.get('entry'),
    sort: SORTS.includes(sort) ? sort : 'urgency',
    page: Math.max(1, Number(given.get('page')) || 1),
    open: given.get('open'),
  };
}

function paramsOf(query: Query): URLSearchParams {
  const params = new URLSearchParams();
  const { q, state, expiry, source, entry, sort, open } = query;
  for (const [name, value] of Object.entries({ q, state, expiry })) if (value !== '') params.set(name, value);
  for (const [name, value] of Object.entries({ source, entry, open }))
    if (value !== null) params.set(name, value);
  if (sort !== 'urgency') params.set('sort', sort);
  return params;
}

/** Address of the page after a change of the query. */
export function hrefOf(query: Query, change: Partial<Query>): string {
  const next = { ...query, ...change };
  const params = paramsOf(next);
  if (next.page > 1) params.set('page', String(next.page));
  return `#${String(params)}`;
}

/** Parameters of the request to the server. */
export function requestOf(query: Query): string {
  const params = paramsOf(query);
  params.set('limit', String(query.open === null ? PAGE : 0));
  if (query.page > 1) params.set('offset', String((query.page - 1) * PAGE));
  return `certificates?${String(params)}`;
}

export const isNarrowed = ({ q, state, expiry, source, entry }: Query): boolean =>
  q.trim() !== '' || state !== '' || expiry !== '' || source !== null || entry !== null;

/** @param isStep whether the back button returns to the former state */
export function go(query: Query, change: Partial<Query>, isStep = true): void {
  const href = hrefOf(query, change);
  if (href === (location.hash || '#')) return;
  if (isStep) history.pushState(null, '', href);
  else history.replaceState(null, '', href);
  // At once: the browser's own event may come after the next key.
  dispatchEvent(new HashChangeEvent('hashchange'));
}
