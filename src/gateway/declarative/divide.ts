import { changeId } from '../../model';
import { linked } from '../linked';
import type { Ready } from './edit';

export const isNew = ({ change }: Ready) => change.kind === 'create';

/** About what an SNI takes in the configuration, beside its name. */
const SNI_CHARS = 150;

/** About what a new certificate takes in the configuration. */
export const sizeOf = ({ change, fresh }: Ready) =>
  fresh.cert.length +
  fresh.key.length +
  (change.kind === 'create' ? change.snis : change.addSnis).reduce(
    (sum, { length }) => sum + length + SNI_CHARS,
    0,
  );

/** Renewals before new certificates, which Kong has none of yet; the smaller ones first. */
export const bySize = (a: Ready, b: Ready): number =>
  Number(isNew(a)) - Number(isNew(b)) || sizeOf(a) - sizeOf(b);

/**
 * Two parts of about the same size, each in the order of the plan, which puts the change that takes a name before the
 * one that loses it. Changes that belong together stay together as long as there are others, then those of one
 * certificate.
 * @param order the ones for the first part first
 */
export function halve(ready: readonly Ready[], order = ready): [Ready[], Ready[]] {
  const groupOf = linked(ready.map(({ change }) => change));
  for (const [keyOf, items] of [
    [groupOf, order],
    [changeId, ready],
  ] as const) {
    const keys = [...new Set(items.map(({ change }) => keyOf(change)))];
    if (keys.length === 1) continue;
    const first = new Set(keys.slice(0, Math.ceil(keys.length / 2)));
    const isFirst = ({ change }: Ready) => first.has(keyOf(change));
    return [ready.filter(isFirst), ready.filter((item) => !isFirst(item))];
  }
  return [ready.slice(0, 1), ready.slice(1)];
}
