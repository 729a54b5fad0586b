import { works } from '../support/tools';

export type Program = 'promtool' | 'prometheus' | 'prometheus-alertmanager';

/** Why tests with these programs are skipped, for their title; null: all of them are there. */
export function missing(...programs: Program[]): string | null {
  const absent = programs.filter((program) => !works(program, ['--version']));
  if (absent.length === 0) return null;
  return ` (skipped: there is no ${absent.join(' and no ')}: bash test/monitoring/prepare)`;
}
