import { warningsOf } from '../certificates';
import type { BundleNote, Log, Plan, SourcedBundle, StrayFile } from '../model';

/** Notes on bundles that are not refused: from the plan, and about trouble that some clients may have. */
export function notesOf(plan: Plan, bundles: ReadonlyMap<string, SourcedBundle>): BundleNote[] {
  const found = new Map(plan.notes);
  const written = new Set(plan.changes.map(({ bundle }) => bundle.id));
  for (const [id, bundle] of bundles) {
    if (!plan.inSync.has(id) && !written.has(id)) continue;
    const warnings = warningsOf(bundle);
    if (warnings.length === 0) continue;
    found.set(id, [found.get(id) ?? [], warnings.map(({ message }) => message)].flat().join('; '));
  }
  return [...found].flatMap(([id, note]) => {
    const bundle = bundles.get(id);
    if (bundle === undefined) return [];
    const { location, leaf } = bundle;
    const { names: snis, fingerprint, notAfter } = leaf;
    const isQuiet = plan.quiet.has(id) && found.get(id) === plan.notes.get(id);
    const one = { bundle: id, location, snis, fingerprint, notAfter, note };
    return [isQuiet ? { ...one, isQuiet } : one];
  });
}

/** Most lines of one pass; the status shows everything. */
const MOST_LINES = 100;

/** Logs notes and stray files, each once while it lasts. */
export class NotesLog {
  #said: ReadonlySet<string> = new Set();

  write(notes: readonly BundleNote[], strays: readonly StrayFile[], log: Log): void {
    if (notes.length + strays.length + this.#said.size === 0) return;
    const said = new Set<string>();
    let lines = 0;
    const isNew = (sentence: string) => {
      said.add(sentence);
      if (this.#said.has(sentence)) return false;
      lines += 1;
      return lines <= MOST_LINES;
    };
    for (const { bundle, location, snis, note, isQuiet = false } of notes) {
      const [level, message] = isQuiet
        ? (['info', 'a bundle is left out'] as const)
        : (['warn', 'a bundle needs attention'] as const);
      if (isNew(`${bundle}: ${note}`))
        log(level, message, { bundle, location, snis: snis.slice(0, 10), detail: note });
    }
    for (const { location, reason, message } of strays) {
      if (isNew(`${location}: ${message}`))
        log('info', 'a file is part of no bundle', { location, reason, detail: message });
    }
    this.#said = said;
  }
}
