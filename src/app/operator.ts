import type { History } from '../history';
import type { OperatorCommand } from '../status';
import type { Reloader } from './reloader';

/**
 * Carries out an operator's command about a name, in every entry.
 * @returns what was done, in a sentence
 * @throws Error where nothing was done, or it cannot be kept
 */
export function obey(
  command: OperatorCommand,
  running: ReadonlyMap<string, { reloader: Reloader }>,
  historyOf: (entry: string) => History | null,
): string {
  if (running.size === 0) throw new Error('nothing runs: there is nobody to say it to');
  const done = [...running].map(([entry, { reloader }]) => inEntry(command, reloader, historyOf(entry)));
  const said = done.filter((words) => words !== null);
  if (said.length > 0) {
    for (const { reloader } of running.values()) reloader.request('command');
    return [...new Set(said)].join('; ');
  }
  throw new Error(
    command.verb === 'approve' ? `nothing waits for ${command.name}` : `${command.name} is not pinned`,
  );
}

/** Carries it out in one entry; null: there was nothing to do. */
function inEntry(
  command: OperatorCommand,
  { holds, waiting }: Reloader,
  history: History | null,
): string | null {
  const now = Date.now();
  const { name } = command;
  const noted = { snis: [name], by: 'operator' } as const;
  switch (command.verb) {
    case 'pin': {
      const { until } = command;
      if (until !== null && until <= now) throw new Error('until is over already');
      const end = until === null ? 'until it is unpinned' : `until ${new Date(until).toISOString()}`;
      history?.note('pinned', { ...noted, detail: end });
      holds.pin({ name, until, since: now });
      return `${name} stays as it is ${end}`;
    }
    case 'unpin':
      if (!holds.unpin(name)) return null;
      history?.note('unpinned', noted);
      return `${name} is renewed again`;
    case 'approve': {
      const approved = holds.approve(waiting(), name, now);
      for (const change of approved) {
        const isUpdate = change.kind === 'update';
        const half = isUpdate ? change.half : 'main';
        history?.note('approved', {
          by: 'operator',
          certificate_id: isUpdate ? change.certificate.id : change.id,
          half,
          snis: isUpdate ? change.certificate.snis : change.snis,
          location: change.bundle.location,
          fingerprint_sha256: change.bundle.leaf.fingerprint,
          previous_fingerprint_sha256:
            (isUpdate ? change.certificate[half]?.leaf?.fingerprint : null) ?? null,
          not_after: new Date(change.bundle.leaf.notAfter).toISOString(),
        });
      }
      if (approved.length === 0) return null;
      return `${name} is swapped for ${approved.map(({ bundle }) => bundle.location).join(', ')}`;
    }
  }
}
