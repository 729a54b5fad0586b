import { changeId, type Change } from '../model';

/**
 * Groups of changes that belong together: they are about one certificate, or a name moves between their certificates.
 * @returns the name of a change's group
 */
export function linked(changes: readonly Change[]): (change: Change) => string {
  const written = new Map<string, string>();
  for (const change of changes) {
    written.set(changeId(change), changeId(change));
    if (change.kind === 'update' && change.split !== undefined)
      written.set(change.split.id, changeId(change));
  }
  const groups = new Map<string, string>();
  const groupOf = (id: string): string => {
    let at = id;
    for (let next = groups.get(at); next !== undefined; next = groups.get(at)) at = next;
    return at;
  };
  for (const change of changes) {
    for (const { from } of change.moveSnis ?? []) {
      const other = written.get(from);
      if (other === undefined) continue;
      const [a, b] = [groupOf(changeId(change)), groupOf(other)];
      if (a !== b) groups.set(a, b);
    }
  }
  return (change) => groupOf(changeId(change));
}
