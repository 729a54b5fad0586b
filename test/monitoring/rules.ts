import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';

export interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  for?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface RuleGroup {
  name: string;
  interval?: string;
  rules: Rule[];
}

export const FOLDER = join(__dirname, '../../deploy/monitoring');
export const RULES_FILE = join(FOLDER, 'prometheus-rules.yml');

export function readGroups(): RuleGroup[] {
  return (load(readFileSync(RULES_FILE, 'utf8')) as { groups: RuleGroup[] }).groups;
}

export type AlertRule = Rule & Required<Pick<Rule, 'alert' | 'labels' | 'annotations'>>;

export function readAlerts(): AlertRule[] {
  return readGroups().flatMap(({ rules }) =>
    rules.filter((rule): rule is AlertRule => rule.alert !== undefined),
  );
}
